import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { createRemoteEngine } from "../../../src/store/engine/remote.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { force, migrate, pending, statusOf } from "../../../src/store/migration/migrate.ts";
import type { Migration } from "../../../src/store/migration/migration.ts";
import { type Sqld, startSqld } from "../../support/sqld.ts";
import { temporaryFolder, three } from "./folder.ts";

const folder = temporaryFolder();
let files = 0;

/** What the engines under test share: each test starts on an empty database. */
function describeMigrations(name: string, open: () => Promise<Engine>, after: () => Promise<void>): void {
  describe(`migrations on the ${name} engine`, () => {
    let engine: Engine;
    beforeEach(async () => {
      await engine?.close();
      engine = await open();
    });
    afterAll(async () => {
      await engine.close();
      await after();
    });

    const tables = async (): Promise<unknown[]> => {
      const [rows = []] = await engine.read([
        {
          sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%migrations' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'libsql%' AND name <> 'tidings_file' ORDER BY name",
        },
      ]);
      return rows.map((row) => row.name);
    };
    const versionRows = async (): Promise<unknown> =>
      (await engine.read([{ sql: "SELECT version, dirty FROM tidings_schema_migrations" }]))[0];
    const hashes = async (): Promise<unknown[]> => {
      const [rows = []] = await engine.read([{ sql: "SELECT version FROM tidings_migrations ORDER BY version" }]);
      return rows.map((row) => row.version);
    };
    /** Leaves the version as golang-migrate's SetVersion does. */
    const setVersion = async (version: number, dirty = 0): Promise<void> => {
      await engine.write([
        { sql: "CREATE TABLE IF NOT EXISTS tidings_schema_migrations (version uint64,dirty bool)" },
        { sql: "CREATE UNIQUE INDEX IF NOT EXISTS tidings_version_unique ON tidings_schema_migrations (version)" },
        { sql: "DELETE FROM tidings_schema_migrations" },
        ...(version >= 0 || dirty
          ? [{ sql: "INSERT INTO tidings_schema_migrations (version, dirty) VALUES (?, ?)", args: [version, dirty] }]
          : []),
      ]);
    };
    const refused = (text: string): unknown =>
      expect.objectContaining({ code: "migration_refused", message: expect.stringContaining(text) as unknown });

    test("M1 up applies pending migrations, in order, once", async () => {
      const seen: number[] = [];
      const steps = await migrate(engine, [...three].reverse(), { onStep: (step) => seen.push(step.after) });
      expect(steps.map(({ migration, direction }) => [direction, migration.version])).toEqual([
        ["up", 1],
        ["up", 2],
        ["up", 3],
      ]);
      expect(seen).toEqual([1, 2, 3]);
      expect(await tables()).toEqual(["people", "pets"]);
      expect(await engine.read([{ sql: "SELECT name FROM pets" }])).toEqual([[{ name: "a;b" }, { name: "it's" }]]);
      expect(await migrate(engine, three)).toEqual([]);
    });

    test("M1 up N, down N, a version and everything down go where they say", async () => {
      await migrate(engine, three, { to: { up: 2 } });
      expect(await versionRows()).toEqual([{ version: 2, dirty: 0 }]);
      await migrate(engine, three, { to: { up: 9 } });
      expect(await versionRows()).toEqual([{ version: 3, dirty: 0 }]);
      await migrate(engine, three, { to: { down: 1 } });
      expect(await versionRows()).toEqual([{ version: 2, dirty: 0 }]);
      await migrate(engine, three, { to: { version: 1 } });
      expect(await tables()).toEqual(["people"]);
      await migrate(engine, three, { to: { version: 3 } });
      expect(await versionRows()).toEqual([{ version: 3, dirty: 0 }]);
      await migrate(engine, three, { to: { version: 0 } });
      expect(await tables()).toEqual([]);
      expect(await versionRows()).toEqual([]);
      expect(await hashes()).toEqual([]);
      await expect(migrate(engine, three, { to: { version: 4 } })).rejects.toEqual(refused("There is no migration 4"));
    });

    test("M2 pending() and statusOf() only read", async () => {
      expect((await pending(engine, three)).map(({ version }) => version)).toEqual([1, 2, 3]);
      expect((await statusOf(engine, three)).entries.map(({ standing }) => standing)).toEqual([
        "pending",
        "pending",
        "pending",
      ]);
      const [rows] = await engine.read([{ sql: "SELECT name FROM sqlite_master WHERE name LIKE '%migrations'" }]);
      expect(rows).toEqual([]);
      await migrate(engine, three, { to: { up: 1 } });
      expect((await pending(engine, three)).map(({ version }) => version)).toEqual([2, 3]);
      expect(await statusOf(engine, three)).toMatchObject({ version: 1, isDirty: false, refusal: undefined });
    });

    test("M3 a migration that fails leaves nothing, those before it stay, and a mended one goes on", async () => {
      const bad: Migration = {
        version: 2,
        name: "bad",
        up: "CREATE TABLE half (a UNIQUE); INSERT INTO half VALUES (1), (1);",
        down: "",
      };
      await expect(migrate(engine, [...three.slice(0, 1), bad])).rejects.toEqual(
        refused("000002_bad (up) failed, and nothing of it stays; the database is at version 1"),
      );
      expect(await tables()).toEqual(["people"]);
      expect(await versionRows()).toEqual([{ version: 1, dirty: 0 }]);
      expect(await hashes()).toEqual([1]);
      await migrate(engine, three);
      expect(await hashes()).toEqual([1, 2, 3]);
    });

    test("M3 a way down that fails leaves nothing of itself", async () => {
      const broken = three.map((one) =>
        one.version === 2 ? { ...one, down: "DROP TABLE pets; DROP TABLE nowhere;" } : one,
      );
      await migrate(engine, broken);
      await expect(migrate(engine, broken, { to: { version: 0 } })).rejects.toEqual(
        refused("000002_pets (down) failed"),
      );
      expect(await tables()).toEqual(["people", "pets"]);
      expect(await versionRows()).toEqual([{ version: 2, dirty: 0 }]);
      await migrate(engine, three, { to: { version: 0 } });
      expect(await tables()).toEqual([]);
    });

    test("M4 triggers and an empty migration run", async () => {
      const up = `CREATE TABLE t (a); CREATE TABLE log (a);
        CREATE TRIGGER tell AFTER INSERT ON t BEGIN INSERT INTO log VALUES (CASE new.a WHEN 1 THEN 'one' END); INSERT INTO log VALUES (';'); END;
        INSERT INTO t VALUES (1);`;
      await migrate(engine, [
        { version: 1, name: "t", up, down: "" },
        { version: 2, name: "e", up: "-- nothing", down: "" },
      ]);
      expect(await engine.read([{ sql: "SELECT a FROM log" }])).toEqual([[{ a: "one" }, { a: ";" }]]);
      expect(await versionRows()).toEqual([{ version: 2, dirty: 0 }]);
    });

    test("M5 a dirty database is refused, and force mends it", async () => {
      await migrate(engine, three, { to: { up: 2 } });
      await setVersion(2, 1);
      await expect(migrate(engine, three)).rejects.toEqual(refused("dirty at version 2"));
      await expect(pending(engine, three)).rejects.toEqual(refused("run `force`"));
      expect((await statusOf(engine, three)).entries.map(({ standing }) => standing)).toEqual([
        "applied",
        "dirty",
        "pending",
      ]);
      await force(engine, { migrations: three, version: 2 });
      await migrate(engine, three);
      expect(await versionRows()).toEqual([{ version: 3, dirty: 0 }]);
    });

    test("M5 golang-migrate's dirty row for a failed first way down is refused", async () => {
      await migrate(engine, three, { to: { up: 1 } });
      await setVersion(-1, 1);
      await expect(migrate(engine, three)).rejects.toEqual(refused("dirty at version 0"));
    });

    test("M6 an applied migration that is missing is refused", async () => {
      await migrate(engine, three);
      await expect(migrate(engine, three.slice(0, 2))).rejects.toEqual(refused("000003_age was applied"));
      await expect(pending(engine, [three[0], three[2]] as Migration[])).rejects.toEqual(
        refused("000002_pets was applied"),
      );
      await setVersion(7);
      await expect(migrate(engine, three)).rejects.toEqual(refused("000007_unknown was applied"));
      expect((await statusOf(engine, three)).entries.at(-1)).toEqual({
        version: 7,
        name: "unknown",
        standing: "missing",
      });
    });

    test("M7 an edited migration is refused, and force accepts it", async () => {
      await migrate(engine, three);
      const edited = three.map((one) => (one.version === 2 ? { ...one, up: `${one.up} -- more` } : one));
      await expect(migrate(engine, edited)).rejects.toEqual(refused("000002_pets was edited"));
      await force(engine, { migrations: edited, version: 3 });
      expect(await migrate(engine, edited)).toEqual([]);
    });

    test("M7 another name, other line ends or another way down are no edit", async () => {
      await migrate(engine, three);
      const same = three.map((one) => ({
        ...one,
        name: `x${one.name}`,
        up: one.up.replaceAll("\n", "\r\n"),
        down: `${one.down} -- mended`,
      }));
      expect(await migrate(engine, same)).toEqual([]);
    });

    test("M8 a migration that comes late is refused, and so is a number used twice", async () => {
      await migrate(engine, [three[0], three[2]] as Migration[]);
      await expect(migrate(engine, three)).rejects.toEqual(refused("000002_pets comes before"));
      expect((await statusOf(engine, three)).entries.map(({ standing }) => standing)).toEqual([
        "applied",
        "late",
        "applied",
      ]);
      const twice = [...three, { version: 3, name: "other", up: "", down: "" }];
      await expect(migrate(engine, twice)).rejects.toEqual(
        refused("000003_age and 000003_other have the same version"),
      );
      for (const version of [0, -1, 1.5]) {
        await expect(migrate(engine, [{ version, name: "x", up: "", down: "" }])).rejects.toEqual(
          refused(`got ${version}`),
        );
      }
    });

    test("M9 the version is kept as golang-migrate's SQLite driver keeps it", async () => {
      await migrate(engine, three);
      const [rows] = await engine.read([
        { sql: "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'tidings_schema_migrations' ORDER BY type" },
      ]);
      expect(rows).toEqual([
        {
          type: "index",
          name: "tidings_version_unique",
          sql: "CREATE UNIQUE INDEX tidings_version_unique ON tidings_schema_migrations (version)",
        },
        {
          type: "table",
          name: "tidings_schema_migrations",
          sql: "CREATE TABLE tidings_schema_migrations (version uint64,dirty bool)",
        },
      ]);
      expect(
        await engine.read([
          { sql: "SELECT version, dirty, typeof(version) AS a, typeof(dirty) AS b FROM tidings_schema_migrations" },
        ]),
      ).toEqual([[{ version: 3, dirty: 0, a: "integer", b: "integer" }]]);
    });

    test("M10 what golang-migrate applied is adopted with its hash", async () => {
      await migrate(engine, three, { to: { up: 1 } });
      await engine.write([{ sql: "CREATE TABLE pets (name TEXT)" }]);
      await setVersion(2);
      await migrate(engine, three);
      expect(await versionRows()).toEqual([{ version: 3, dirty: 0 }]);
      expect(await hashes()).toEqual([1, 2, 3]);
      const edited = three.map((one) => (one.version === 2 ? { ...one, up: "SELECT 1" } : one));
      await expect(migrate(engine, edited)).rejects.toEqual(refused("000002_pets was edited"));
    });

    test("M10 a database that golang-migrate alone made is adopted, and nothing runs twice", async () => {
      await engine.write([
        { sql: "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER)" },
        { sql: "CREATE TABLE pets (name TEXT)" },
      ]);
      await setVersion(3);
      expect(await pending(engine, three)).toEqual([]);
      expect(await migrate(engine, three)).toEqual([]);
      expect(await hashes()).toEqual([1, 2, 3]);
    });

    test("M10 what golang-migrate took back is forgotten", async () => {
      await migrate(engine, three);
      await engine.write([{ sql: "ALTER TABLE people DROP COLUMN age" }]);
      await setVersion(2);
      const rewritten = three.map((one) => (one.version === 3 ? { ...one, up: "CREATE TABLE ages (a)" } : one));
      await migrate(engine, rewritten);
      expect(await tables()).toEqual(["ages", "people", "pets"]);
      expect(await hashes()).toEqual([1, 2, 3]);
    });

    test("M11 a statement that cannot be part of a transaction is refused before anything runs", async () => {
      for (const sql of [
        "COMMIT",
        "begin",
        "VACUUM",
        "PRAGMA foreign_keys = OFF",
        "ROLLBACK TO x",
        "ATTACH 'x' AS y",
      ]) {
        const bad: Migration = { version: 4, name: "bad", up: `CREATE TABLE bad (a);\n-- first\n${sql};`, down: "" };
        await expect(migrate(engine, [...three, bad])).rejects.toEqual(refused("000004_bad.up.sql"));
      }
      expect(await tables()).toEqual([]);
    });

    test("M12 a step is refused when another process migrated in between", async () => {
      await migrate(engine, three, { to: { up: 1 } });
      let isFirst = true;
      const racing: Engine = {
        ...engine,
        async write(statements) {
          if (isFirst) {
            isFirst = false;
            await migrate(engine, three);
            await migrate(engine, three, { to: { version: 0 } });
          }
          return engine.write(statements);
        },
      };
      // Not for ever: a node that starts beside another one tries again.
      await expect(migrate(racing, three)).rejects.toMatchObject({
        ...{ code: "unavailable", message: expect.stringContaining("another process is migrating") as unknown },
      });
      expect(await tables()).toEqual([]);
    });

    test("M12 a step without an answer counts as taken when the database shows it", async () => {
      let writes = 0;
      const losing: Engine = {
        ...engine,
        async write(statements) {
          await engine.write(statements);
          if (writes++ === 1) throw new Error("the answer was lost");
          return [];
        },
      };
      expect((await migrate(losing, three)).length).toBe(3);
      expect(await hashes()).toEqual([1, 2, 3]);
    });

    test("M12 a step with an unknown outcome is reported as such, and may be run again", async () => {
      const dead: Engine = {
        ...engine,
        async write() {
          throw new Error("no answer");
        },
      };
      await expect(migrate(dead, three)).rejects.toMatchObject({ code: "unavailable" });
      expect((await migrate(engine, three)).length).toBe(3);
    });

    test("M13 the built-in migrations go up, down and up again", async () => {
      await migrate(engine, bundledMigrations);
      const made = await tables();
      await migrate(engine, bundledMigrations, { to: { version: 0 } });
      expect(await tables()).toEqual([]);
      await migrate(engine, bundledMigrations);
      expect(await tables()).toEqual(made);
    });
  });
}

describeMigrations(
  "embedded",
  async () => createEmbeddedEngine({ path: join(folder.path, `${files++}.db`) }),
  async () => folder.remove(),
);

let server: Sqld | undefined;
describeMigrations(
  "remote",
  async () => {
    await server?.stop();
    server = await startSqld();
    return createRemoteEngine({ url: server.url });
  },
  async () => {
    await server?.stop();
  },
);
