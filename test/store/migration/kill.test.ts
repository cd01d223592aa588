import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Migration } from "../../../src/store/migration/migration.ts";
import { plant } from "../../plants/index.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { runScript, startScript, temporaryFolder, writeMigrations } from "./folder.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

const rows = 20_000;
const rounds = 8;

/** Big enough that a kill lands in the middle: each fills a table, and rewrites the one before it. */
const big: readonly Migration[] = [1, 2, 3, 4, 5].map((version) => ({
  version,
  name: `big_${version}`,
  up: `CREATE TABLE big_${version} (id INTEGER PRIMARY KEY, text TEXT, touched INTEGER DEFAULT 0);
WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${rows})
INSERT INTO big_${version} (id, text) SELECT i, 'row ' || i FROM c;
${version > 1 ? `UPDATE big_${version - 1} SET touched = ${version};` : ""}
CREATE INDEX big_${version}_text ON big_${version} (text);`,
  down: `DROP TABLE big_${version};`,
}));

type Killed = { readonly file: string; readonly place: readonly string[]; readonly told: number };

/** Migrates a new file and kills the process at some instant. */
async function killMidway(round: number, alterations: readonly Alteration[] = []): Promise<Killed> {
  const dir = mkdtempSync(join(root.path, "migrations-"));
  writeMigrations(dir, big);
  const file = join(dir, "chat.db");
  const place = ["--database", `file:${file}`, "--dir", dir];
  const child = startScript(["up", ...place], {}, alterations);
  // Each step is reported once it is durable; the kill comes at some instant of a later one.
  let told = 0;
  const wanted = round % (big.length - 1);
  const reader = child.stdout.getReader();
  while (told < wanted) {
    const { value, done } = await reader.read();
    if (done) break;
    told += new TextDecoder().decode(value).split("\n").length - 1;
  }
  await Bun.sleep(wanted === 0 ? 20 + Math.random() * 60 : Math.random() * 25);
  child.kill("SIGKILL");
  await child.exited;
  return { file, place, told };
}

describe("migrations and kill -9", () => {
  test("D6 M3 a process killed at any instant leaves whole migrations only, and the next run completes", async () => {
    let midway = 0;
    for (let round = 0; round < rounds; round++) {
      const { file, place, told } = await killMidway(round);
      const version = await checkWhole(file);
      expect(version).toBeGreaterThanOrEqual(told);
      if (version < big.length) midway += 1;
      const ran = await runScript(["up", ...place]);
      expect(ran.error).toBe("");
      expect(await checkWhole(file)).toBe(big.length);
    }
    expect(midway).toBeGreaterThan(0);
  });

  test("control: D6 statements that are committed one by one are found half done", async () => {
    let isFound = false;
    for (let round = 1; !isFound && round <= 20; round++) {
      const { file } = await killMidway(round, plant("statements are committed one by one"));
      isFound = await checkWhole(file).then(
        () => false,
        () => true,
      );
    }
    expect(isFound).toBe(true);
  });
});

/** Every migration up to the version is wholly there, and nothing of a later one. Answers the version. */
async function checkWhole(file: string): Promise<number> {
  const engine = createEmbeddedEngine({ path: file });
  try {
    const [found = [], check] = await engine.read([
      { sql: "SELECT name FROM sqlite_master WHERE name LIKE 'big%' ORDER BY name" },
      { sql: "PRAGMA integrity_check" },
    ]);
    expect(check).toEqual([{ integrity_check: "ok" }]);
    const tables = found.filter(({ name }) => !String(name).endsWith("_text"));
    const version = tables.length;
    expect(found.length).toBe(2 * version);
    for (let i = 1; i <= version; i++) {
      const [count] = await engine.read([
        { sql: `SELECT count(*) AS rows, min(touched) AS low, max(touched) AS high FROM big_${i}` },
      ]);
      const touched = i === version ? 0 : i + 1;
      expect(count).toEqual([{ rows, low: touched, high: touched }]);
    }
    if (version > 0) {
      const state = await engine.read([
        { sql: "SELECT version, dirty FROM tidings_schema_migrations" },
        { sql: "SELECT count(*) AS count, max(version) AS version FROM tidings_migrations" },
      ]);
      expect(state).toEqual([[{ version, dirty: 0 }], [{ count: version, version }]]);
    }
    return version;
  } finally {
    await engine.close();
  }
}
