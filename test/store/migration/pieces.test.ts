import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import type { Migration } from "../../../src/store/migration/migration.ts";
import { dividedOf } from "../../../src/store/migration/pieces.ts";
import { readState } from "../../../src/store/migration/state.ts";
import { embedded } from "../places.ts";

const rows = 30_000;
const things: Migration = {
  version: 1,
  name: "things",
  up: `CREATE TABLE thing (key INTEGER PRIMARY KEY, size INTEGER, other INTEGER);
WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${rows})
INSERT INTO thing (key) SELECT i * 7919 * 7919 FROM c;`,
  down: "DROP TABLE thing;",
};
const whole = "key BETWEEN 0 AND 9223372036854775807";
const sizes: Migration = {
  version: 2,
  name: "sizes",
  up: `UPDATE thing SET size = key % 10 WHERE size IS NULL AND ${whole};
UPDATE thing SET other = -size WHERE other IS NULL AND ${whole};
CREATE INDEX thing_size ON thing (size);`,
  down: "DROP INDEX thing_size; UPDATE thing SET size = NULL;",
};

let place: Awaited<ReturnType<typeof embedded>>;
beforeEach(async () => {
  place = await embedded();
  await migrate(place.engine, [things]);
});
afterEach(() => place.close());

/** Calls `before` with the number of rows that are filled, before each write. */
const watched = (engine: Engine, before: (filled: number) => unknown): Engine => ({
  ...engine,
  async write(statements) {
    const [[row] = []] = await engine.read([{ sql: "SELECT count(other) AS count FROM thing" }]);
    await before(Number(row?.["count"]));
    return engine.write(statements);
  },
});

const wrongRows = async (): Promise<unknown> => {
  const sql = "SELECT count(*) AS count FROM thing WHERE size IS NOT key % 10 OR other IS NOT -size";
  return (await place.engine.read([{ sql }]))[0]?.[0]?.["count"];
};

test("M46 a statement over all keys runs in pieces, others write in between, and its version is there at the end", async () => {
  const { engine } = place;
  const seen: number[] = [];
  const versions = new Set<number>();
  let key = 1;
  const between = watched(engine, async (filled) => {
    seen.push(filled);
    versions.add((await readState(engine)).version);
    // Another one adds what needs no filling, also above all keys.
    await engine.write([{ sql: "INSERT INTO thing VALUES (?1, ?1 % 10, -(?1 % 10))", args: [2 ** 50 + key] }]);
    key += 1;
  });
  const steps = await migrate(between, [things, sizes]);
  expect(steps).toHaveLength(1);
  expect(await wrongRows()).toBe(0);
  expect([...versions]).toEqual([1]);
  expect(seen.length).toBeGreaterThan(8);
  for (const [i, filled] of seen.entries()) expect(filled - (seen[i - 1] ?? filled)).toBeLessThanOrEqual(20_001);
  expect(await readState(engine)).toMatchObject({ version: 2, isDirty: false });
});

test("M46 where it is stopped, the pieces that were done stay, and the next run completes", async () => {
  for (let stop = 1; stop < 8; stop++) {
    let writes = 0;
    const stopping = watched(place.engine, () => {
      writes += 1;
      if (writes > stop) throw new Error("stopped");
    });
    await expect(migrate(stopping, [things, sizes])).rejects.toThrow("stopped");
    expect((await readState(place.engine)).version).toBe(1);
  }
  await migrate(place.engine, [things, sizes]);
  expect(await wrongRows()).toBe(0);
});

test("M46 M12 pieces end where another process has moved the version, and nothing of that piece stays", async () => {
  const { engine } = place;
  let writes = 0;
  const raced = watched(engine, async () => {
    writes += 1;
    if (writes === 3) await migrate(engine, [things, { ...sizes, up: "" }]);
  });
  // The other one has done all of it, so it would say; here it has not, so that a piece would show.
  await migrate(raced, [things, sizes]);
  expect(writes).toBe(3);
  expect(await wrongRows()).toBe(rows);
});

test("M46 a failing piece names its migration, and says that earlier pieces stay", async () => {
  const bad = { ...sizes, up: `UPDATE thing SET size = abs(key - 9223372036854775807 - 1 - key) WHERE ${whole};` };
  await expect(migrate(place.engine, [things, bad])).rejects.toThrow("the pieces that were done stay");
});

test("M46 one that stands behind an undivided statement is refused before anything runs", async () => {
  const late = { ...sizes, up: `CREATE INDEX thing_size ON thing (size); UPDATE thing SET size = 1 WHERE ${whole};` };
  await expect(migrate(place.engine, [things, late])).rejects.toThrow(
    "000002_sizes.up.sql: A statement that runs in pieces",
  );
  expect((await readState(place.engine)).version).toBe(1);
});

test("M46 only an UPDATE with a range of all keys is divided", () => {
  expect(dividedOf(`UPDATE a SET x = 1 WHERE ${whole}`)).toMatchObject({ table: "a", key: "key" });
  for (const sql of [`DELETE FROM a WHERE ${whole}`, "UPDATE a SET x = 1 WHERE key BETWEEN 0 AND 9"])
    expect(dividedOf(sql)).toBeNull();
});
