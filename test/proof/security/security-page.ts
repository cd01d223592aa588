import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const columns = ["threat", "defence", "shown by"];
const citation = /^`(test\/[\w./-]+\.(?:test|contract)\.ts)`((?: [A-Z]{1,2}\d{1,3})+)$/;
const ruleLine = /^- \*\*([A-Z]{1,2}\d{1,3})\*\*/gm;
/** Names of tests and of their groups, up to the closing quote. */
const nameOfTest = /(?<![.\w])(?:test|it|describe)[\w.]*\(\s*(["'`])((?:(?!\1)[\s\S])*)\1/g;

/** Each row of the page's table of threats that names no test, or a missing or wrong one. */
export function pageFaults(root: string): readonly string[] {
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const rows = rowsOf(read("docs/security.md"));
  if (rows.length === 0) return ["docs/security.md has no table of threats"];
  const rules = new Set([...read("src/SPEC.md").matchAll(ruleLine)].map(([, rule]) => rule));
  return rows.flatMap((cells) => {
    const [threat = "", defence = "", tests = ""] = cells;
    if (cells.length !== columns.length || threat === "" || defence === "") return [`a row is not whole: ${threat}`];
    if (tests === "") return [`no test: ${threat}`];
    return tests.split(";").flatMap((text) => {
      const [, path, cited = ""] = citation.exec(text.trim()) ?? [];
      if (path === undefined) return [`not a test and its rules: ${text.trim()}`];
      if (!existsSync(join(root, path))) return [`there is no ${path}`];
      const names = [...read(path).matchAll(nameOfTest)].map(([, , name = ""]) => name);
      return cited
        .trim()
        .split(" ")
        .flatMap((rule) => {
          if (!rules.has(rule)) return [`there is no rule ${rule}`];
          // A control shows that the test can fail, not that the rule holds.
          const isShown = names.some((name) => !name.startsWith("control:") && new RegExp(`\\b${rule}\\b`).test(name));
          return isShown ? [] : [`no test of ${path} shows ${rule}`];
        });
    });
  });
}

/** The cells of each row of the one table with these columns. */
function rowsOf(page: string): readonly (readonly string[])[] {
  const lines = page.split("\n");
  const cellsOf = (line: string): readonly string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const head = lines.findIndex((line) => line.startsWith("|") && Bun.deepEquals(cellsOf(line), columns));
  if (head < 0) return [];
  const end = lines.findIndex((line, at) => at > head && !line.startsWith("|"));
  return lines.slice(head + 2, end < 0 ? undefined : end).map(cellsOf);
}
