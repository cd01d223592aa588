import { expect, test } from "bun:test";
import { branchesMin, branchesOf, ownTestViolations } from "../../scripts/shape/own-test.ts";
import { parseSource } from "../../scripts/syntax.ts";
import { plantTree } from "../support/tree.ts";

const withBranches = (count: number): string => `export const f = (x) => { ${"if (x) x();\n".repeat(count)} };\n`;

async function check(
  files: Readonly<Record<string, string>>,
  tests: readonly string[],
  shownBy: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  using tree = plantTree(files);
  return ownTestViolations(await parseSource(tree.root), { tests: new Set(tests), shownBy });
}

test("branchesOf counts conditions, loops, cases, choices and catches, and nothing else", async () => {
  const text = `
    // if (x) for (;;) while (1) x ? 1 : 2;
    const text = "a && b || c ?? d";
    type Choice<T> = T extends string ? 1 : 2;
    if (a) f(); else g();
    for (let i = 0; ; i++) f();
    for (const x of y) f();
    for (const x in y) f();
    while (a) f();
    do f(); while (a);
    switch (a) { case 1: f(); break; case 2: g(); break; default: h(); }
    const b = a ? (c && d) || e : f ?? g;
    a ??= b;
    try { f(); } catch { g(); } finally { h(); }
    const c = a?.b + d - (e & f | g);
  `;
  using tree = plantTree({ "src/a.ts": text });
  const [module] = await parseSource(tree.root);
  expect(module && branchesOf(module.tree)).toBe(14);
});

test("passes a file with its own test, one in the table, one with few branches, and those that are tested by behaviour", async () => {
  const logic = withBranches(branchesMin);
  const files = {
    ...{
      "src/hub/a.ts": logic,
      "src/hub/b.ts": logic,
      "src/hub/c.ts": withBranches(branchesMin - 1),
      "src/top.ts": logic,
    },
    ...{ "src/client/d.ts": logic, "src/react/e.ts": logic, "src/web/f.tsx": logic },
  };
  const tests = ["test/hub/a.test.ts", "test/hub/hub.test.ts", "test/top.test.ts"];
  expect(await check(files, tests, { "src/hub/b.ts": "test/hub/hub.test.ts" })).toEqual([]);
});

test("control: refuses a file without a test of its own, and does not take a test of its name elsewhere for one", async () => {
  const violations = await check({ "src/hub/a.ts": withBranches(branchesMin) }, [
    "test/push/a.test.ts",
    "test/a.test.ts",
  ]);
  expect(violations).toEqual([
    "src/hub/a.ts: has 5 branches and no test/hub/a.test.ts: write it, or name the test that shows the file in scripts/shape/own-test.ts",
  ]);
});

test("control: refuses an entry of the table without its file or test, and one that nothing needs", async () => {
  const logic = withBranches(branchesMin);
  const files = { "src/a.ts": logic, "src/b.ts": logic, "src/c.ts": withBranches(1) };
  const table = {
    "src/a.ts": "test/x.test.ts",
    "src/b.ts": "test/none.test.ts",
    "src/c.ts": "test/x.test.ts",
    "src/d.ts": "test/x.test.ts",
  };
  expect(await check(files, ["test/a.test.ts", "test/x.test.ts"], table)).toEqual([
    "src/a.ts: has a test of its own: remove it from the table of own-test.ts",
    "src/b.ts: test/none.test.ts, which should show it, is no test",
    "src/c.ts: has 1 branches: remove it from the table of own-test.ts",
    "src/d.ts: is in the table of own-test.ts, and is no file",
  ]);
});
