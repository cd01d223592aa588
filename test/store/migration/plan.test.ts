import { expect, test } from "bun:test";
import type { Migration } from "../../../src/store/migration/migration.ts";
import { plan, scriptOf, type Target } from "../../../src/store/migration/plan.ts";

const migrations: readonly Migration[] = [1, 3, 4].map((version) => ({
  version,
  name: `m${version}`,
  up: `up ${version}`,
  down: "",
}));
const steps = (version: number, target: Target): string =>
  plan(migrations, { version, target })
    .map(({ direction, migration, after }) => `${direction} ${migration.version} → ${after}`)
    .join(", ");

test("M1 the steps lead up and down to where the target says, and name the version after each", () => {
  expect([steps(0, "latest"), steps(1, "latest"), steps(4, "latest")]).toEqual([
    "up 1 → 1, up 3 → 3, up 4 → 4",
    "up 3 → 3, up 4 → 4",
    "",
  ]);
  expect([steps(1, { up: 1 }), steps(1, { up: 9 }), steps(4, { up: 1 })]).toEqual([
    "up 3 → 3",
    "up 3 → 3, up 4 → 4",
    "",
  ]);
  expect([steps(4, { down: 2 }), steps(3, { down: 9 }), steps(0, { down: 1 })]).toEqual([
    "down 4 → 3, down 3 → 1",
    "down 3 → 1, down 1 → 0",
    "",
  ]);
  expect([
    steps(4, { version: 1 }),
    steps(1, { version: 3 }),
    steps(3, { version: 3 }),
    steps(4, { version: 0 }),
  ]).toEqual(["down 4 → 3, down 3 → 1", "up 3 → 3", "", "down 4 → 3, down 3 → 1, down 1 → 0"]);
  expect(() => steps(1, { version: 2 })).toThrow("There is no migration 2");
});

test("M11 a statement that cannot be part of a transaction is refused with the name of its file", () => {
  const of = (up: string) =>
    scriptOf({ direction: "up", migration: { version: 1, name: "m", up, down: "DROP TABLE a" }, after: 1 }).statements;
  expect(of("CREATE TABLE a (x); INSERT INTO a VALUES ('BEGIN;');")).toEqual([
    { sql: "CREATE TABLE a (x)" },
    { sql: "INSERT INTO a VALUES ('BEGIN;')" },
  ]);
  expect(of("PRAGMA defer_foreign_keys = ON")).toHaveLength(1);
  for (const word of [
    "BEGIN",
    "commit",
    "END",
    "ROLLBACK",
    "SAVEPOINT x",
    "RELEASE x",
    "VACUUM",
    "ATTACH 'x' AS y",
    "DETACH y",
    "PRAGMA journal_mode = WAL",
  ])
    expect(() => of(`CREATE TABLE a (x); ${word};`)).toThrow(
      `000001_m.up.sql: ${word.split(" ")[0]?.toUpperCase()} cannot run`,
    );
  expect(
    scriptOf({
      direction: "down",
      migration: { version: 1, name: "m", up: "VACUUM", down: "DROP TABLE a" },
      after: 0,
    }).statements,
  ).toHaveLength(1);
});
