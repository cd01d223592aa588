import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, openConnection } from "../../../src/store/engine/connection.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-"));
const options = { cacheBytes: 65_536, statementsMax: 3 };
let connection: Connection;
beforeAll(() => {
  connection = openConnection(join(folder, "chat.db"), options);
  connection.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
});
afterAll(() => {
  connection.discard();
  rmSync(folder, { recursive: true });
});

const one = (sql: string): unknown => Object.values(connection.run({ sql })[0] ?? {})[0];

test("E15 a connection keeps a log, syncs it fully, and checks foreign keys", () => {
  expect(["journal_mode", "synchronous", "foreign_keys", "cache_size"].map((name) => one(`PRAGMA ${name}`))).toEqual([
    "wal",
    2,
    1,
    -64,
  ]);
});

test("E1 a write without rows answers none, and one with RETURNING is a whole write", () => {
  expect(connection.run({ sql: "INSERT INTO item VALUES (?, ?)", args: [1, "a"] })).toEqual([]);
  expect(
    connection.run({ sql: "INSERT INTO item VALUES (2, ?), (3, ?) RETURNING id, name", args: ["b", null] }),
  ).toEqual([
    { id: 2, name: "b" },
    { id: 3, name: null },
  ]);
  connection.sync();
  const other = openConnection(join(folder, "chat.db"), options);
  expect(other.run({ sql: "SELECT count(*) AS count FROM item" })).toEqual([{ count: 3 }]);
  other.discard();
});

test("E14 more statements than are kept still run, each as often as it is asked", () => {
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 6; i++) expect(connection.run({ sql: `SELECT ${i} AS i` })).toEqual([{ i }]);
});

test("E14 a connection that is discarded gives its lock back, also within a transaction, and twice", () => {
  const path = join(folder, "locked.db");
  const first = openConnection(path, options);
  first.exec("CREATE TABLE item (id)");
  first.exec("BEGIN IMMEDIATE");
  first.run({ sql: "INSERT INTO item VALUES (1)" });
  first.discard();
  first.discard();
  const second = openConnection(path, options);
  second.exec("BEGIN IMMEDIATE");
  expect(second.run({ sql: "SELECT count(*) AS count FROM item" })).toEqual([{ count: 0 }]);
  second.discard();
});

test("E15 a file that is no database is unfit", () => {
  const path = join(folder, "text.db");
  writeFileSync(path, "This is no database, and is longer than the header of one. ".repeat(4));
  expect(() => openConnection(path, options)).toThrow(`The database file ${path} cannot be used`);
});
