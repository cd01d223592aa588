import { expect, test } from "bun:test";
import { proseOf, rateOf, readProse, worstOf } from "../../scripts/check-prose.ts";
import { plantTree } from "../support/tree.ts";

// The idioms of these texts must not count as idioms of this file.
const [comment, call] = ["//", "test"];
const plain = "A device that has acked a message gets no notification for it. ".repeat(20);

test("proseOf counts the words and idioms of comments and test names, and leaves code out", () => {
  const source = `const told = "somebody stands";\n${comment} Nobody is here.\n/** A word. */\n${call}("b is told", f);\n`;
  expect(proseOf("src/a.ts", source)).toEqual({ file: "src/a.ts", words: 9, hits: ["Nobody", "told"] });
});

test("proseOf counts all text of a page", () => {
  expect(proseOf("docs/a.md", "What is stored stands here, so long as it must.").hits).toEqual([
    "What is",
    "stands",
    "so long",
  ]);
});

test("plain English has no idioms", () => {
  expect(rateOf([proseOf("docs/a.md", plain)])).toBe(0);
  expect(worstOf([proseOf("docs/a.md", plain)])).toEqual([]);
});

test("control: idioms raise the rate, and the worst file is listed first", () => {
  using tree = plantTree({
    "README.md": plain,
    "docs/better.md": `${plain}Whoever waits is told.`,
    "docs/worse.md": `${plain}Whoever waits is told what is so.`,
    "src/a.ts": `${comment} What comes?\n`,
  });
  const all = readProse(tree.root, ["README.md", "docs", "src"]);
  expect(rateOf(all)).toBeGreaterThan(3);
  expect(worstOf(all).map((line) => line.trim().split("  ")[1])).toEqual([
    "docs/worse.md: Whoever, what is, told",
    "docs/better.md: Whoever, told",
  ]);
});
