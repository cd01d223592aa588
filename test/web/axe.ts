import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Each page has axe from its start: to evaluate so long a text later takes seconds. */
export const withAxe = async (page: Page): Promise<void> =>
  void (await page.addInitScript(`{ ${axe}; globalThis.axe = axe; }`));

/**
 * What axe finds wrong with the page as it is now, also in shadows: rules of WCAG 2.2 AA, and its own advice. It describes only violations: most of its
 * time goes into the description of elements that pass.
 */
export const faultsOf = (page: Page): Promise<string[]> =>
  run(page, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]);

/** The same for the rules about colours: the others do not depend on them. */
export const colourFaultsOf = (page: Page): Promise<string[]> => run(page, ["color-contrast", "link-in-text-block"]);

async function run(page: Page, only: readonly string[]): Promise<string[]> {
  return await page.evaluate<
    string[]
  >(`axe.run(document, { runOnly: ${JSON.stringify(only)}, resultTypes: ["violations"] })
    .then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html.slice(0, 160) + failureSummary.slice(0, 300)).join(" | ")))`);
}
