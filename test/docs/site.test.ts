import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sitePlaces, titleOf, writePages } from "../../scripts/docs-site/pages.ts";
import { sections } from "../../scripts/docs-site/sidebar.ts";
import { linkFaults } from "./links.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-site-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pages = [...sitePlaces().values()].filter((path) => path.endsWith(".md"));

test("W71 the site has every page of the repository once, and its list names each", () => {
  const listed = sections.flatMap((section) => section.pages.map((name) => `${name}.md`));
  expect(listed.toSorted()).toEqual(pages.toSorted());
});

test("W71 every page of the site has a title, and each of its links leads to a file and a heading there", () => {
  writePages(folder);
  for (const page of pages) expect(titleOf(join(folder, page))).not.toBe("");
  // What is in `public` is served beside the pages.
  const isMissing = (fault: string): boolean =>
    !existsSync(join(folder, "public", /links to (?:\.\/)?(\S+), which/.exec(fault)?.[1] ?? "-"));
  expect(pages.flatMap((page) => linkFaults(folder, page)).filter(isMissing)).toEqual([]);
});
