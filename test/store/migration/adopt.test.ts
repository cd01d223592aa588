import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import {
  findTables,
  findUnprefixed,
  hasTablesOf,
  renameUnprefixed,
  tablesOf,
} from "../../../src/store/migration/adopt.ts";
import type { Migration } from "../../../src/store/migration/migration.ts";
import { readState, tableStatements } from "../../../src/store/migration/state.ts";

const people = "CREATE TABLE tidings_user (id TEXT); CREATE UNIQUE INDEX tidings_user_id ON tidings_user (id)";
const pets = "CREATE TABLE tidings_pet (name TEXT)";
const migrations: readonly Migration[] = [
  { version: 1, name: "people", up: people, down: "" },
  { version: 2, name: "pets", up: pets, down: "" },
  { version: 6, name: "late", up: "CREATE TABLE tidings_late (x)", down: "" },
];
const record = "INSERT INTO tidings_migrations VALUES (1, 'people', 'h', 0)";
const old = (sql: string): string[] => sql.replaceAll("tidings_", "").split("; ");

const folder = mkdtempSync(join(tmpdir(), "tidings-"));
const engines: Engine[] = [];
afterAll(async () => {
  for (const engine of engines) await engine.close();
  rmSync(folder, { recursive: true });
});

/** A database of the first releases, after these statements. */
async function made(...statements: readonly string[]): Promise<Engine> {
  const engine = createEmbeddedEngine({ path: join(folder, `${engines.length}.db`) });
  engines.push(engine);
  const ours = tableStatements.filter(({ sql }) => sql.includes("tidings_migrations"));
  await engine.write([...ours, ...statements.map((sql) => ({ sql }))]);
  return engine;
}

test("M23 M45 the tables that a migration makes are found in its script and in a database", async () => {
  expect(migrations.map(tablesOf)).toEqual([["tidings_user"], ["tidings_pet"], ["tidings_late"]]);
  expect(
    tablesOf({ ...migrations[0], up: 'CREATE INDEX i ON a (x); create table "odd name" (x)' } as Migration),
  ).toEqual(["odd"]);
  const engine = await made("CREATE TABLE tidings_user (id)");
  expect([
    await findTables(engine, ["x", "tidings_user"]),
    await findTables(engine, ["x"]),
    await findTables(engine, []),
  ]).toEqual([["tidings_user"], [], []]);
  const has = (up: string) => hasTablesOf(engine, { version: 1, name: "m", up, down: "" });
  expect([await has(people), await has(pets), await has("INSERT INTO x VALUES (1)")]).toEqual([true, false, true]);
});

test("M22 a database of before the prefix is found with as many migrations as it has whole", async () => {
  const whole = await made(record, ...old(people), ...old(pets));
  expect(await findUnprefixed(whole, migrations)).toMatchObject({
    version: 2,
    isExclusive: true,
    made: [{ name: "tidings_user" }, { type: "index", name: "tidings_user_id" }, {}],
  });
  const first = await made(record, ...old(people), "CREATE TABLE pet2 (x)");
  expect(await findUnprefixed(first, migrations)).toMatchObject({ version: 1, isExclusive: false });
});

test("M22 an app's tables of our old names are not taken for ours", async () => {
  const [table = "", index = ""] = old(people);
  for (const statements of [
    // Without our record, with another one, without an index, and with the tables of today.
    [table, index],
    ["INSERT INTO tidings_migrations VALUES (1, 'other', 'h', 0)", table, index],
    [record, table],
    [record, table, "CREATE TABLE other (id)", "CREATE INDEX user_id ON other (id)"],
    [record, table, index, "CREATE TABLE tidings_schema_migrations (version, dirty)"],
  ])
    expect([statements, await findUnprefixed(await made(...statements), migrations)]).toEqual([statements, null]);
  expect(
    await findUnprefixed(await made(record, table, index), [
      { version: 1, name: "people", up: "CREATE TABLE user (id)", down: "" },
    ]),
  ).toBeNull();
});

test("M22 renaming keeps the rows, builds the indexes anew, and leaves an app's version table alone", async () => {
  for (const isBeside of [false, true]) {
    const more = isBeside ? ["CREATE TABLE app (x)"] : [];
    const engine = await made(
      record,
      ...old(people),
      "INSERT INTO user VALUES ('alice')",
      "CREATE TABLE schema_migrations (version, dirty)",
      ...more,
    );
    const found = await findUnprefixed(engine, migrations);
    if (found === null) throw new Error("it was not found");
    await renameUnprefixed(engine, found);
    const [rows, names = []] = await engine.read([
      { sql: "SELECT id FROM tidings_user" },
      { sql: "SELECT name FROM sqlite_master" },
    ]);
    const all = names.map(({ name }) => String(name));
    expect([rows, all.includes("tidings_user_id"), all.includes("user_id"), all.includes("schema_migrations")]).toEqual(
      [[{ id: "alice" }], true, false, isBeside],
    );
    expect(await readState(engine)).toMatchObject({
      version: 1,
      isDirty: false,
      applied: [{ version: 1, name: "people" }],
    });
  }
});
