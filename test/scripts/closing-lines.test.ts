import { expect, test } from "bun:test";
import { formatCounts, readClosingLines, readFailures } from "../../scripts/closing-lines.ts";

const closing = " 12 pass\n 1 skip\n 2 todo\n 0 fail\n 30 expect() calls\nRan 15 tests across 2 files. [3.00ms]\n";

test("readClosingLines reads the runner's own lines, and none that a test printed", () => {
  const nested = " 99 pass\n 9 fail\nRan 108 tests across 1 file. [1.00ms]\n(pass) nested\n\n";
  expect(readClosingLines(`${nested}${closing}`)).toEqual({ passed: 12, failed: 0, skipped: 3 });
  expect(readClosingLines(`\u001b[32m 1 pass\u001b[0m\n 0 fail\nRan 1 test across 1 file. [1ms]\n`)).toEqual({
    passed: 1,
    failed: 0,
    skipped: 0,
  });
});

test("readClosingLines counts an error outside of any test as a failure", () => {
  expect(readClosingLines(" 1 pass\n 0 fail\n 1 error\nRan 1 test across 1 file. [1ms]\n")?.failed).toBe(1);
});

test("readClosingLines returns null when the runner did not close", () => {
  expect(readClosingLines("")).toBeNull();
  expect(readClosingLines(" 12 pass\n 0 fail\nSegmentation fault\n")).toBeNull();
  expect(readClosingLines("Ran 12 tests across 1 file. [1ms]\n")).toBeNull();
});

test("formatCounts leaves out skips when there are none", () => {
  expect(formatCounts({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
  expect(formatCounts({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
});

test("readFailures names each failed test with its file, without its time", () => {
  const output = `test/a.test.ts:\n(pass) one [1.00ms]\n\u001b[31m(fail)\u001b[0m group > two [12.30ms]\n\ntest/b.test.ts:\n(fail) three\n# Unhandled error between tests\n${closing}`;
  expect(readFailures(output)).toEqual([
    "test/a.test.ts: group > two",
    "test/b.test.ts: three",
    "test/b.test.ts: an error outside of any test",
  ]);
  expect(readFailures(closing)).toEqual([]);
});

test("readFailures names a test once that the runner repeats at its end", () => {
  const body = "test/a.test.ts:\n(fail) one [1.00ms]\n\ntest/b.test.ts:\n(pass) two\n(fail) three [2.00ms]\n";
  const repeated = `${body}\n2 tests failed:\n(fail) one [1.00ms]\n(fail) three [2.00ms]\n\n${closing}`;
  expect(readFailures(repeated)).toEqual(["test/a.test.ts: one", "test/b.test.ts: three"]);
  // A runner that a test has started repeats its own.
  const nested = "test/a.test.ts:\n1 tests failed:\n(fail) inner\n(pass) one\n";
  expect(readFailures(`${nested}${repeated}`)).toEqual([
    "test/a.test.ts: inner",
    "test/a.test.ts: one",
    "test/b.test.ts: three",
  ]);
});
