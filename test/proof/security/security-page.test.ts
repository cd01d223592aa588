import { expect, test } from "bun:test";
import { join } from "node:path";
import { plantTree } from "../../support/tree.ts";
import { pageFaults } from "./security-page.ts";

test("X12 each threat on the security page names tests that exist and rules that they show", () => {
  expect(pageFaults(join(import.meta.dir, "../../.."))).toEqual([]);
});

function faultsOf(rows: string): readonly string[] {
  using tree = plantTree({
    "docs/security.md": `# Page\n\n| other | table |\n| --- | --- |\n| a | b |\n\n| threat | defence | shown by |\n| --- | --- | --- |\n${rows}\n\nEnd.\n`,
    "src/SPEC.md": "- **D1** It stays.\n- **D2** It stays too.\n- **D10** And this.\n",
    "test/a.test.ts":
      'describe("D10 a group", () => {\n  test("D1 it stays", f);\n  test("control: D2 it is seen", f);\n});\n',
  });
  return pageFaults(tree.root);
}

test("control: X12 a row without a test, and a test or rule that is not there, are seen", () => {
  expect(faultsOf("| t | d | `test/a.test.ts` D1 D10 |")).toEqual([]);
  expect(faultsOf("| t | d | `test/a.test.ts` D1; `test/a.test.ts` D10 |\n| t2 | d | |")).toEqual(["no test: t2"]);
  expect(faultsOf("| t | d | `test/b.test.ts` D1 |")).toEqual(["there is no test/b.test.ts"]);
  expect(faultsOf("| t | d | `test/a.test.ts` D3 |")).toEqual(["there is no rule D3"]);
  // Only a control cites it.
  expect(faultsOf("| t | d | `test/a.test.ts` D2 |")).toEqual(["no test of test/a.test.ts shows D2"]);
  expect(faultsOf("| t | d | `test/a.test.ts` |")).toEqual(["not a test and its rules: `test/a.test.ts`"]);
  expect(faultsOf("| t | d | see the tests |")).toEqual(["not a test and its rules: see the tests"]);
  expect(faultsOf("| t | d |")).toEqual(["a row is not whole: t"]);
  expect(faultsOf("")).toEqual(["docs/security.md has no table of threats"]);
});
