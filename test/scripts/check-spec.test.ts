import { expect, test } from "bun:test";
import { checkSpec } from "../../scripts/check-spec.ts";
import { plantTree } from "../support/tree.ts";

const spec = "# Spec\n\n- **D1** What was accepted stays. See D2.\n- **D2** Never twice.\n\n**H12** Answers 404.\n";

const controls = { "test/controls.test.ts": 'test("control: D1 D2 planted bugs are found", f);\n' };

function check(specText: string, files: Readonly<Record<string, string>>): readonly string[] {
  using tree = plantTree({ "src/SPEC.md": specText, ...controls, ...files });
  return checkSpec(tree.root);
}

test("checkSpec passes when every rule is cited", () => {
  const found = check(spec, {
    "test/a.test.ts": 'test("D1: accepted survives kill -9", () => {});\n',
    "test/hub/b.contract.ts":
      'describe("H12", () => {});\ntest.skipIf(f(1))(`D2, H12: ${"x"} E2E over HTTP2 at V8`, () => {});\n',
  });
  expect(found).toEqual([]);
});

test("checkSpec reads the names of test.each and describeWith", () => {
  const found = check(spec, {
    "test/a.test.ts": 'test.each([["(", 1]])("D1 %s", () => {});\nit.concurrent("D2: x", f);\n',
    "test/b.test.ts": 'describeWith("chromium", "H12 the page", () => {});\n',
  });
  expect(found).toEqual([]);
});

test("checkSpec lists a rule that no name cites; comments, bodies and other files do not count", () => {
  const found = check(spec, {
    "test/a.test.ts": '// test("H12")\ntest("D1 D2: x", () => { expect("H12").toBe("H12"); });\n',
    "test/b.ts": 'test("H12: not a test file", () => {});\n',
  });
  expect(found).toEqual(["src/SPEC.md:6 H12 is cited by no test"]);
});

test("checkSpec requires a control for each rule of the promise, and a control is no test of it", () => {
  const cite = { "test/a.test.ts": 'test("D1 H12: x", f);\n' };
  expect(check(spec, { ...cite, "test/controls.test.ts": 'test("control: D2 x", f);\n' })).toEqual([
    "src/SPEC.md:3 D1 has no control",
    "src/SPEC.md:4 D2 is cited by no test",
  ]);
});

test("checkSpec refuses a rule that does not exist", () => {
  const found = check(spec, {
    "test/a.test.ts": 'test("D1 D2 H12: x", f);\n\ntest("Z9: another family", f);\ntest("as D7 says", f);\n',
  });
  expect(found).toEqual([
    "test/a.test.ts:3 cites Z9, which src/SPEC.md does not have",
    "test/a.test.ts:4 cites D7, which src/SPEC.md does not have",
  ]);
});

test("checkSpec refuses a number given twice, and a spec without rules", () => {
  const cite = { "test/a.test.ts": 'test("D1 D2 H12", f);\n' };
  expect(check(`${spec}- **D1** Again.\n`, cite)).toEqual(["src/SPEC.md:7 D1 is already at line 3"]);
  expect(check("# Nothing yet\n", {})).toEqual(["src/SPEC.md has no rules"]);
});
