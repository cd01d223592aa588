import { join } from "node:path";
import { availableParallelism } from "node:os";
import { expect, test } from "bun:test";
import { isLong, longTests, testLanes } from "../../scripts/test-lanes.ts";
import { deadline } from "../support/deadline.ts";

const root = join(import.meta.dir, "../..");
const files = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: root })].sort();

test("testLanes runs each file once, in at most three lanes for each core", () => {
  const { alone, beside, lanes } = testLanes(root, { isWhole: true });
  expect([...alone, ...beside].flat().toSorted()).toEqual(files);
  expect(alone.flat()).toEqual(["test/adapter/flood.test.ts", "test/proof/load/pace.test.ts"]);
  expect(lanes).toBeWithin(1, 3 * availableParallelism() + 1);
});

test("testLanes leaves out the long files, and each pattern of them fits one", () => {
  const { alone, beside } = testLanes(root, { isWhole: false });
  const usual = [...alone, ...beside].flat();
  expect(usual.toSorted()).toEqual(files.filter((file) => !isLong(file)));
  expect(longTests.filter((glob) => !files.some((file) => glob.match(file)))).toEqual([]);
  // What a change touches first is not long: every folder of the source, and the simulators.
  for (const file of ["test/store/store.test.ts", "test/web/page.test.ts", "test/proof/sim/sim.test.ts"])
    expect(usual).toContain(file);
});

test("test/timings.json names files that exist", async () => {
  const { files: timed } = (await Bun.file(join(root, "test/timings.json")).json()) as {
    files: Record<string, number>;
  };
  expect(Object.keys(timed).filter((file) => !files.includes(file))).toEqual([]);
});

/** The deadlines in a text that are shorter than the one that every test has. */
function shortDeadlines(text: string): readonly string[] {
  return Array.from(
    text.matchAll(/^\s*(?:\}, )?(\d[\d_]*)(?:\);|,)$|setDefaultTimeout\((\d[\d_]*)\)/gm),
    ([, own, all]) => Number((own ?? all ?? "").replaceAll("_", "")),
  )
    .filter((ms) => ms >= 10_000 && ms < deadline.testMs)
    .map(String);
}

test("no test has its own deadline that is shorter than the common one", async () => {
  const found: string[] = [];
  for (const file of new Bun.Glob("test/**/*.ts").scanSync({ cwd: root }))
    for (const ms of shortDeadlines(await Bun.file(join(root, file)).text())) found.push(`${file}: ${ms}`);
  expect(found).toEqual([]);
});

test("control: a shorter deadline is found", () => {
  expect(shortDeadlines("test('slow', () => {\n}, 60_000);\n")).toEqual(["60000"]);
  expect(shortDeadlines("test(\n  'slow',\n  () => {},\n  60_000,\n);\n")).toEqual(["60000"]);
  expect(shortDeadlines(`setDefaultTimeout(${60_000});\n`)).toEqual(["60000"]);
});
