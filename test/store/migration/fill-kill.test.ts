import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { openEngine } from "../../../src/store/engine/open.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import { readState } from "../../../src/store/migration/state.ts";
import { plant } from "../../plants/index.ts";
import {
  contractedSchema,
  expandedSchema,
  faultsOfFilling,
  fillAsBefore,
  schemaOfBefore,
} from "../../support/database-of-before.ts";
import { startSqld } from "../../support/sqld.ts";
import { runScript, startScript, temporaryFolder } from "./folder.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

const messages = 60_000;
const rounds = 8;

/** The schema of each version: what a database has that was never killed. */
const schemas = new Map<number, readonly unknown[]>();
const schemaOf = async (engine: Engine): Promise<readonly unknown[]> =>
  (
    await engine.read([
      {
        sql: "SELECT type, name, sql FROM sqlite_master WHERE name LIKE 'tidings_%' AND name <> 'tidings_file' ORDER BY name",
      },
    ])
  )[0] ?? [];

const template = join(root.path, "before.db");
beforeAll(async () => {
  const engine = createEmbeddedEngine({ path: join(root.path, "schema.db") });
  for (let version = schemaOfBefore; version <= contractedSchema; version++) {
    await migrate(engine, bundledMigrations, { to: { version } });
    schemas.set(version, await schemaOf(engine));
  }
  await engine.close();
  const filled = createEmbeddedEngine({ path: template });
  await fillAsBefore(filled, { messages });
  await filled.close();
});

/** Checks that the database is that of a whole version, with right rows, and answers the version. */
async function checkWhole(engine: Engine): Promise<number> {
  const { version, isDirty } = await readState(engine);
  expect(isDirty).toBe(false);
  expect(await schemaOf(engine)).toEqual(schemas.get(version) ?? []);
  if (version > schemaOfBefore)
    expect(await faultsOfFilling(engine, { isWhole: version >= expandedSchema })).toEqual([]);
  const [[count] = []] = await engine.read([{ sql: "SELECT count(*) AS count FROM tidings_message" }]);
  expect(count).toEqual({ count: messages });
  return version;
}

async function filled(engine: Engine): Promise<number> {
  const { version } = await readState(engine);
  if (version <= schemaOfBefore) return 0;
  const [[row] = []] = await engine.read([{ sql: "SELECT count(prev) AS count FROM tidings_message" }]);
  return Number(row?.["count"]);
}

/** A process that migrates up, killed after some time; whether it had ended by itself. */
async function killedAfter(
  ms: number,
  database: string,
  bug?: "only the first piece of a migration is run",
): Promise<boolean> {
  const child = startScript(["up", "--database", database], {}, bug ? plant(bug) : []);
  const ended = child.exited.then(() => true);
  const isOver = await Promise.race([ended, Bun.sleep(ms).then(() => false)]);
  child.kill("SIGKILL");
  await child.exited;
  return isOver;
}

/** How long a whole run takes here, with the start of its process. */
async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

const fresh = (): string => {
  const file = join(mkdtempSync(join(root.path, "round-")), "chat.db");
  copyFileSync(template, file);
  return file;
};
const inFile = async <T>(file: string, use: (engine: Engine) => Promise<T>): Promise<T> => {
  const engine = createEmbeddedEngine({ path: file });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
};

describe("migrations 13 to 16 and kill -9", () => {
  test("D6 M3 M46 of a file: it is at a whole version with right rows, and the next run completes", async () => {
    const wholeMs = await timeOf(() => runScript(["up", "--database", `file:${fresh()}`]));
    const found = new Set<number>();
    let midway = 0;
    for (let round = 0; round < rounds; round++) {
      const file = fresh();
      await killedAfter(wholeMs * (0.25 + (0.75 * (round + 0.5)) / rounds), `file:${file}`);
      found.add(await inFile(file, checkWhole));
      const count = await inFile(file, filled);
      if (count > 0 && count < messages) midway += 1;
      expect(await runScript(["up", "--database", `file:${file}`])).toMatchObject({ error: "", code: 0 });
      expect(await inFile(file, checkWhole)).toBe(contractedSchema);
      expect(await inFile(file, filled)).toBe(messages);
    }
    expect(found.size).toBeGreaterThan(1);
    expect(midway).toBeGreaterThan(0);
  });

  test("control: M46 a migration that runs only its first piece is found", async () => {
    const file = fresh();
    await killedAfter(60_000, `file:${file}`, "only the first piece of a migration is run");
    await expect(inFile(file, checkWhole)).rejects.toThrow();
  });
});

describe("migrations 13 to 16 on a server", () => {
  let ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.toReversed()) await end();
    ends = [];
  });

  test("D6 M3 M18 M46 the command is killed, or the server: it is at a whole version, and the next run completes", async () => {
    const sqld = await startSqld();
    ends.push(() => sqld.stop());
    const engine = openEngine({ url: sqld.url });
    ends.push(() => engine.close());
    await fillAsBefore(engine, { messages });
    const again = () => migrate(engine, bundledMigrations, { to: { version: schemaOfBefore } });
    const wholeMs = await timeOf(() => runScript(["up", "--database", sqld.url]));
    let midway = 0;
    for (let round = 0; round < rounds; round++) {
      await again();
      const ms = wholeMs * (0.25 + (0.75 * (round + 0.5)) / rounds);
      if (round % 2 === 0) await killedAfter(ms, sqld.url);
      else {
        const child = startScript(["up", "--database", sqld.url]);
        await Bun.sleep(ms);
        await sqld.kill("SIGKILL");
        child.kill("SIGKILL");
        await child.exited;
        await sqld.restart();
      }
      await checkWhole(engine);
      const count = await filled(engine);
      if (count > 0 && count < messages) midway += 1;
      expect(await runScript(["up", "--database", sqld.url])).toMatchObject({ error: "", code: 0 });
      expect(await checkWhole(engine)).toBe(contractedSchema);
    }
    expect(midway).toBeGreaterThan(0);
  });
});
