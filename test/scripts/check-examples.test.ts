import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { checkExamples, examplesOf } from "../../scripts/check-examples.ts";
import { plantTree } from "../support/tree.ts";

const tsconfig = readFileSync(join(import.meta.dir, "../../tsconfig.json"), "utf8").replace('["bun-types"]', "[]");
const double = (example: string): string =>
  `/**\n * Doubles.\n *\n * @example\n${example}\n */\nexport function double(value: number): number {\n  return 2 * value;\n}\n`;

async function check(source: string): Promise<readonly string[]> {
  using tree = plantTree({ "tsconfig.json": tsconfig, "src/double.ts": source });
  return await checkExamples(tree.root, { one: "number" });
}

test("examplesOf reads the lines up to the next tag or the end of the comment", () => {
  const text =
    "/**\n * @example\n * a();\n *   b();\n * @throws Error\n */\n\n  /**\n   * @example\n   * c();\n   */\n";
  expect(examplesOf(text)).toEqual([
    { line: 3, text: "a();\n  b();\n" },
    { line: 10, text: "c();\n" },
  ]);
});

test("checkExamples passes examples that use their file's names, the given ones and their own", async () => {
  expect(await check(double(" * const two = double(one);\n * await double(two); // 4"))).toEqual([]);
});

test("control: checkExamples refuses wrong types, unknown names and broken syntax, at their lines", async () => {
  expect(await check(double(' * double(one);\n * double("two");\n * double(three);'))).toEqual([
    "src/double.ts:6 Argument of type 'string' is not assignable to parameter of type 'number'.",
    "src/double.ts:7 Cannot find name 'three'.",
  ]);
  expect((await check(double(" * double({ one, … });")))[0]).toBe("src/double.ts:5 Invalid character.");
});
