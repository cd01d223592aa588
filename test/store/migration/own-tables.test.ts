import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { createRemoteEngine } from "../../../src/store/engine/remote.ts";
import { findUnprefixed } from "../../../src/store/migration/adopt.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate, pending, statusOf } from "../../../src/store/migration/migrate.ts";
import { hashOf, type Migration } from "../../../src/store/migration/migration.ts";
import { split } from "../../../src/store/migration/split.ts";
import { accepted, person, readAll, storeOn } from "../../support/store.ts";
import { type Sqld, startSqld } from "../../support/sqld.ts";
import { temporaryFolder } from "./folder.ts";

/** The tables that common tools make, with a row in each. */
const apps: Readonly<Record<string, readonly string[]>> = {
  "better-auth": [
    `CREATE TABLE "user" ("id" text not null primary key, "name" text not null, "email" text not null unique)`,
    `CREATE TABLE "session" ("id" text not null primary key, "token" text not null unique, "userId" text not null references "user" ("id"))`,
    `INSERT INTO "user" VALUES ('u1', 'Alice', 'alice@example.com')`,
    `INSERT INTO "session" VALUES ('s1', 'secret', 'u1')`,
  ],
  Rails: [
    `CREATE TABLE "schema_migrations" ("version" varchar NOT NULL PRIMARY KEY)`,
    `CREATE TABLE "ar_internal_metadata" ("key" varchar NOT NULL PRIMARY KEY, "value" varchar)`,
    `CREATE TABLE "message" ("id" integer PRIMARY KEY, "body" text)`,
    `INSERT INTO "schema_migrations" VALUES ('20260101000000')`,
    `INSERT INTO "message" VALUES (1, 'of the app')`,
  ],
  "golang-migrate at version 4": [
    `CREATE TABLE schema_migrations (version uint64,dirty bool)`,
    `CREATE UNIQUE INDEX version_unique ON schema_migrations (version)`,
    `INSERT INTO schema_migrations VALUES (4, 0)`,
    `CREATE TABLE ticket (id INTEGER PRIMARY KEY, seat TEXT)`,
    `CREATE INDEX ticket_user ON ticket (seat)`,
    `INSERT INTO ticket VALUES (1, '12A')`,
  ],
};

/** The migrations of the first releases: the same texts without the prefix. Their hashes are those that were released. */
const unprefixed: readonly Migration[] = bundledMigrations
  .filter(({ version }) => version <= 5)
  .map((one) => ({ ...one, up: one.up.replaceAll("tidings_", ""), down: one.down.replaceAll("tidings_", "") }));
const releasedHashes = [
  "97639f7a94a944344d592ae5f8081b10bbec342573f5e815eda106364af04d7c",
  "3d88fcfdab6ec898d9e966be3f9bf24f7faf6b5178bffb7b90cf348dff1094d0",
  "725e96a4fcb5dd2cf3ac8dc143965437cdec5e7098d52848eb2b22a88f76915b",
  "39041ec62897c4091d2d1ee8192056c7a5a48fa2ea7a791c727bee7e89c0d758",
  "d2150dd5ed33d734b87d02fbac16edbe4196a1a8e2371f8d60ed3ee320c2dc82",
];

/** Makes a database as the first releases did, at a version of theirs, with a message in it. */
async function makeUnprefixed(engine: Engine, version: number): Promise<void> {
  const applied = unprefixed.filter((one) => one.version <= version);
  const hashes = await Promise.all(applied.map(hashOf));
  await engine.write([
    { sql: "CREATE TABLE IF NOT EXISTS schema_migrations (version uint64,dirty bool)" },
    { sql: "CREATE UNIQUE INDEX IF NOT EXISTS version_unique ON schema_migrations (version)" },
    {
      sql: "CREATE TABLE tidings_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, applied_at INTEGER NOT NULL)",
    },
    ...applied.flatMap(({ up }) => split(up).map((sql) => ({ sql }))),
    ...applied.map(({ version: each, name }, i) => ({
      sql: "INSERT INTO tidings_migrations VALUES (?, ?, ?, 0)",
      args: [each, name, hashes[i] ?? ""],
    })),
    { sql: "DELETE FROM schema_migrations" },
    { sql: "INSERT INTO schema_migrations VALUES (?, 0)", args: [version] },
    { sql: "INSERT INTO user (key, tenant, id) VALUES (1, 'default', 'alice'), (2, 'default', 'bob')" },
    {
      sql: "INSERT INTO conversation (key, tenant, low, high, seq, n, low_seq) VALUES (7, 'default', 1, 2, 1, 1, 1)",
    },
    { sql: "INSERT INTO member (conversation, user, peer) VALUES (7, 1, 2), (7, 2, 1)" },
    {
      sql: "INSERT INTO message (n, conversation, seq, id, sender, recipient, text, time) VALUES (1, 7, 1, '01980000-0000-7000-8000-000000000001', 1, 2, 'from before', 1)",
    },
    { sql: "UPDATE head SET n = 1" },
  ]);
}

const first = (statements: readonly string[] | undefined) => (statements ?? []).map((sql) => ({ sql }));

const folder = temporaryFolder();
let files = 0;
let server: Sqld | undefined;
afterAll(async () => {
  await server?.stop();
  folder.remove();
});

const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  "an embedded file": async () => createEmbeddedEngine({ path: join(folder.path, `${files++}.db`) }),
  "a libSQL server": async () => {
    await server?.stop();
    server = await startSqld();
    return createRemoteEngine({ url: server.url });
  },
};

/** Everything in the database that is not Tidings': how it was made, and its rows. */
async function foreignContent(engine: Engine): Promise<unknown> {
  const [objects = []] = await engine.read([
    {
      sql: `SELECT type, name, sql FROM sqlite_master
WHERE tbl_name NOT LIKE 'tidings@_%' ESCAPE '@' AND tbl_name NOT LIKE 'sqlite@_%' ESCAPE '@' AND tbl_name NOT LIKE 'libsql@_%' ESCAPE '@' ORDER BY type, name`,
    },
  ]);
  const tables = objects.filter((row) => row["type"] === "table").map((row) => String(row["name"]));
  const rows = await engine.read(tables.map((name) => ({ sql: `SELECT * FROM "${name}"` })));
  return { objects, rows: tables.map((name, i) => [name, rows[i]]) };
}

for (const [name, open] of Object.entries(engines))
  describe(`beside an app's tables on ${name}`, () => {
    let engine: Engine;
    beforeEach(async () => {
      engine = await open();
    });
    afterEach(() => engine.close());

    for (const [app, statements] of Object.entries(apps)) {
      test(`M21 the tables of ${app} are as they were after up, a message and down`, async () => {
        await engine.write(statements.map((sql) => ({ sql })));
        const before = await foreignContent(engine);
        const { store } = await storeOn(engine);
        const { seq } = await accepted(store, { from: "alice", to: "bob", text: "hi" });
        expect(seq).toBe(1);
        expect(await foreignContent(engine)).toEqual(before);
        await migrate(engine, bundledMigrations, { to: { down: 1 } });
        expect(await foreignContent(engine)).toEqual(before);
        await migrate(engine, bundledMigrations, { to: { version: 0 } });
        expect(await foreignContent(engine)).toEqual(before);
      });
    }

    test("M22 a database of before the prefix is renamed beside an app's tables, which keep their version table", async () => {
      await engine.write([
        { sql: "CREATE TABLE post (id INTEGER PRIMARY KEY, text TEXT)" },
        { sql: "INSERT INTO post VALUES (1, 'of the app')" },
        { sql: "CREATE VIEW newest AS SELECT max(id) AS id FROM post" },
      ]);
      await makeUnprefixed(engine, 5);
      await migrate(engine, bundledMigrations);
      expect(await foreignContent(engine)).toMatchObject({
        objects: [
          { type: "index", name: "version_unique" },
          { type: "table", name: "post" },
          { type: "table", name: "schema_migrations" },
          { type: "view", name: "newest" },
        ],
        rows: [
          ["post", [{ id: 1, text: "of the app" }]],
          ["schema_migrations", [{ version: 5, dirty: 0 }]],
        ],
      });
    });

    test("M22 a file where the first releases took an app's version for ours gets its tables, and the app keeps its own", async () => {
      // Their effect on a file of an app at version 4 of golang-migrate: the fifth migration alone.
      await engine.write([
        ...first(apps["golang-migrate at version 4"]),
        { sql: "UPDATE schema_migrations SET version = 5" },
        ...split(unprefixed[4]?.up ?? "").map((sql) => ({ sql })),
        {
          sql: "CREATE TABLE tidings_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, applied_at INTEGER NOT NULL)",
        },
        ...unprefixed.map(({ version, name: each }, i) => ({
          sql: "INSERT INTO tidings_migrations VALUES (?, ?, ?, 0)",
          args: [version, each, releasedHashes[i] ?? ""],
        })),
      ]);
      const before = await foreignContent(engine);
      const { store } = await storeOn(engine);
      await accepted(store, { from: "alice", to: "bob", text: "hi" });
      await migrate(engine, bundledMigrations, { to: { version: 0 } });
      expect(await foreignContent(engine)).toEqual(before);
    });

    for (const version of [1, 3, 5])
      test(`M22 a database of before the prefix at version ${version} is renamed, loses nothing and goes on`, async () => {
        await makeUnprefixed(engine, version);
        expect(await statusOf(engine, bundledMigrations)).toMatchObject({ isUnprefixed: true, refusal: undefined });
        expect((await pending(engine, bundledMigrations)).length).toBe(bundledMigrations.length);
        let renames = 0;
        const steps = await migrate(engine, bundledMigrations, { onRename: () => renames++ });
        expect(renames).toBe(1);
        expect(steps[0]?.migration.version).toBe(bundledMigrations[version]?.version);
        expect(await migrate(engine, bundledMigrations)).toEqual([]);
        const { store } = await storeOn(engine);
        expect((await readAll(store, person("bob"))).changes).toMatchObject([{ seq: 1, text: "from before" }]);
        const sent = await accepted(store, { from: "bob", to: "alice", text: "and now" });
        expect(sent.seq).toBe(2);
        const retry = { from: "alice", to: "bob", id: "01980000-0000-7000-8000-000000000001", text: "from before" };
        expect(await accepted(store, retry)).toMatchObject({ duplicate: true, seq: 1 });
        const fresh = await open();
        const namesOf = async (each: Engine): Promise<unknown> =>
          (await each.read([{ sql: "SELECT type, name, tbl_name FROM sqlite_master ORDER BY type, name" }]))[0];
        if (name === "an embedded file") {
          await migrate(fresh, bundledMigrations);
          expect(await namesOf(engine)).toEqual(await namesOf(fresh));
        }
        await fresh.close();
      });

    test("M22 the texts of the first releases are those of today without the prefix", async () => {
      expect(await Promise.all(unprefixed.map(hashOf))).toEqual(releasedHashes);
    });

    test("M23 a version row without our tables is refused, and so is one that another program has written", async () => {
      await engine.write([
        { sql: "CREATE TABLE tidings_schema_migrations (version uint64,dirty bool)" },
        { sql: "INSERT INTO tidings_schema_migrations VALUES (4, 0)" },
      ]);
      const refusal = expect.objectContaining({
        code: "migration_refused",
        message: expect.stringContaining("no table of 000001_messages is there") as unknown,
      }) as unknown;
      await expect(migrate(engine, bundledMigrations)).rejects.toEqual(refusal);
      await expect(pending(engine, bundledMigrations)).rejects.toEqual(refusal);
      expect(await statusOf(engine, bundledMigrations)).toMatchObject({ version: 4, refusal: refusal as object });
      const [rows] = await engine.read([{ sql: "SELECT name FROM sqlite_master WHERE type = 'table'" }]);
      // The engine keeps the name of a file in it, whatever else is there.
      const made = rows?.map((row) => String(row["name"])).filter((each) => !/^(libsql_|tidings_file$)/.test(each));
      expect(made).toEqual(["tidings_schema_migrations"]);
    });

    test("M22 an app's tables with some of our old names are not taken for ours", async () => {
      await makeUnprefixed(engine, 5);
      await engine.write([{ sql: "DROP INDEX message_recipient" }]);
      expect(await findUnprefixed(engine, bundledMigrations)).toBeNull();
    });
  });
