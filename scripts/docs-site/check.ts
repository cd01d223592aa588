/**
 * Builds the documentation and uses it as a reader does, in Chromium, from the standalone server: every page, the search, the dark look.
 *
 *   bun run docs --check
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { openBrowser, openPage } from "../../test/support/chromium.ts";
import { startServer } from "../../test/support/server.ts";
import { buildSite } from "./build.ts";
import { sections } from "./sidebar.ts";

const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, "/"));

/** @throws Error with everything that a reader would stumble over. */
export async function checkSite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-docs-"));
  const faults: string[] = [];
  try {
    await buildSite(folder);
    const [server, browser] = await Promise.all([startServer({ env: { DOCS_FOLDER: folder } }), openBrowser()]);
    try {
      const base = `http://127.0.0.1:${server.port}/docs/`;
      const page = await openPage(browser, base, { complaints: faults });
      for (const name of sections.flatMap((section) => section.pages)) {
        await page.goto(`${base}${name === "index" ? "" : `${name}.html`}`);
        await page.locator("main h1").waitFor();
      }
      for (const name of filesOf(folder)) {
        const { status } = await fetch(base + name);
        if (status !== 200) faults.push(`${name} is answered ${status}`);
      }
      await page.goto(base);
      await page.locator(".DocSearch-Button").click();
      await page.locator("#localsearch-input").fill("idempotency key");
      await page.locator(".results .result").first().click();
      await page.waitForURL((url) => url.pathname !== "/docs/");
      await page.locator("main h1").waitFor();
    } finally {
      await browser.close();
      await server.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (faults.length > 0) throw new Error(faults.join("\n"));
}
