import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkPlants, movePlants } from "../../scripts/check-plants.ts";
import { collect, plant, plants } from "../plants/index.ts";
import type { Plants } from "../plants/plant.ts";
import { plantTree } from "../support/tree.ts";

const hub = "export const fanOut = 1;\nif (change.n > position) send(change);\nexport const end = 2;\n";
const spec = "- **O3** In order.\n";

/** The problems of plants in a project with these files; a test uses each plant. */
function check(table: Plants, files: Readonly<Record<string, string>> = {}): readonly string[] {
  const uses = Object.keys(table).map((name) => `plant("${name}");\n`);
  using tree = plantTree({
    ...{ "src/SPEC.md": spec, "src/hub/hub.ts": hub, "test/hub/a.test.ts": uses.join("") },
    ...{ "test/plants/hub.ts": 'export const hub = {\n  "a late change": {\n' },
    ...files,
  });
  return checkPlants(tree.root, collect([table]));
}

const late = { rule: "O3", file: "hub/hub.ts", from: "change.n > position", to: "true" };

describe("checkPlants", () => {
  test("every plant of these tests fits the source, and a test uses it", () => {
    expect(checkPlants(join(import.meta.dir, "../.."), plants)).toEqual([]);
  });

  test("it passes a plant with a text that is in its file once", () => {
    expect(check({ "a late change": late })).toEqual([]);
  });

  test("it lists all plants that do not fit, each with the nearest line", () => {
    const found = check({
      "a late change": { ...late, from: "change.n > this.position" },
      "an early change": { ...late, from: "nothing of the kind" },
    });
    expect(found).toEqual([
      'test/plants/hub.ts:2 "a late change" finds no "change.n > this.position" in src/hub/hub.ts; nearest is src/hub/hub.ts:2 if (change.n > position) send(change);',
      'test/plants "an early change" finds no "nothing of the kind" in src/hub/hub.ts; nothing is like it',
    ]);
  });

  test("it reports the new place of a text that has moved to another file", () => {
    const moved = { "src/connection/replay.ts": "a\nif (change.n > asked) reset();\n" };
    const from = "change.n > asked";
    expect(check({ "a late change": { ...late, from } }, moved)).toEqual([
      `test/plants/hub.ts:2 "a late change" finds no "${from}" in src/hub/hub.ts; it is at src/connection/replay.ts:2`,
    ]);
    expect(check({ "a late change": { ...late, from, file: "hub/gone.ts" } }, moved)).toEqual([
      'test/plants/hub.ts:2 "a late change" is for src/hub/gone.ts, which does not exist; it is at src/connection/replay.ts:2',
    ]);
  });

  test("it refuses a text that is in its file twice, a plant without an effect, and a rule that does not exist", () => {
    expect(check({ "a late change": { ...late, from: "export const" } })).toEqual([
      'test/plants/hub.ts:2 "a late change" finds more than one "export const" in src/hub/hub.ts: lines 1, 3',
    ]);
    expect(check({ "a late change": { ...late, to: late.from } })).toEqual([
      'test/plants/hub.ts:2 "a late change" changes nothing in src/hub/hub.ts',
    ]);
    expect(check({ "a late change": { ...late, rule: "O3 O99" } })).toEqual([
      'test/plants/hub.ts:2 "a late change" breaks O99, which src/SPEC.md does not have',
    ]);
  });

  test("it makes the edits of a plant one after the other, and looks at those with a parameter too", () => {
    const { file } = late;
    const second = { file, from: "if (true)", to: "if (false)" };
    expect(check({ "a late change": { edits: [late, second] } })).toEqual([]);
    expect(check({ "a late change": { edits: [second, late] } }).length).toBe(1);
    const sized = (from: string) => ({ "a late change": { file, from, to: (size: number) => `${size}` } });
    expect([check(sized("end = 2")).length, check(sized("end = 3")).length]).toEqual([0, 1]);
  });

  test("it lists a plant that no test uses", () => {
    expect(check({ "a late change": late }, { "test/hub/a.test.ts": 'plant("a late");\n' })).toEqual([
      'test/plants/hub.ts:2 "a late change" is used by no test',
    ]);
  });
});

test("collect refuses two plants of one name", () => {
  expect(() => collect([{ "a late change": late }, { "a late change": late }])).toThrow("a late change");
});

test("plant answers the edits of a name, and puts a value into those that want one", () => {
  expect(plant("the sockets of an ended session stay open")).toEqual([
    { file: "hub/hub.ts", from: "const consequences = { revoke: sockets.revoke };", to: "const consequences = {};" },
  ]);
  expect(plant("a page cache of so many bytes", 4_096)[0]?.to).toBe("options.cacheBytes ?? 4096");
  // @ts-expect-error A name that no plant has is found by the compiler.
  expect(() => plant("a fault that nobody planted")).toThrow("There is no plant");
  // @ts-expect-error So is a value that is missing.
  plant("a page cache of so many bytes");
});

test("movePlants writes the new path of each moved file, and nothing else", () => {
  const text =
    'export const hub = {\n  a: { file: "hub/hub.ts", from: "hub/hub.ts" },\n  b: { file: "connection/replay.ts" },\n};\n';
  using tree = plantTree({ "test/plants/hub.ts": text });
  expect(movePlants(tree.root, { "src/connection/replay.ts": "src/connection/replay.ts" })).toBe(1);
  expect(readFileSync(join(tree.root, "test/plants/hub.ts"), "utf8")).toBe(
    text.replace("connection/replay.ts", "connection/replay.ts"),
  );
});
