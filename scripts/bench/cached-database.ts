import { copyFileSync, constants, existsSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { hashOf } from "../../src/store/migration/migration.ts";
import { migrate } from "../../src/store/migration/migrate.ts";

/** A large database that a benchmark needs: built once for each version of the schema and of itself. */
export type CachedDatabase = {
  readonly benchmark: string;
  readonly version: number;
  readonly fill: (engine: Engine) => Promise<void>;
};

/** Copies the database to a path from the cache in the folder for temporary files, where it is built the first time. */
export async function copyCached(database: CachedDatabase, path: string): Promise<void> {
  const { benchmark, version } = database;
  const cached = join(tmpdir(), `tidings-bench-${benchmark}-${version}-${await schemaHash()}.db`);
  if (!existsSync(cached)) await build(database, cached);
  copyFileSync(cached, path, constants.COPYFILE_FICLONE);
}

async function schemaHash(): Promise<string> {
  const hashes = await Promise.all(bundledMigrations.map(hashOf));
  return Bun.hash(hashes.join()).toString(36);
}

async function build({ benchmark, fill }: CachedDatabase, file: string): Promise<void> {
  console.error(`Building the database of the ${benchmark} benchmark (once)`);
  const unfinished = `${file}.${process.pid}`;
  const engine = createEmbeddedEngine({ path: unfinished });
  await migrate(engine, bundledMigrations);
  await fill(engine);
  await engine.close();
  // The engine's files beside it; the database file has everything by now.
  for (const rest of [".lock", "-wal", "-shm"]) rmSync(`${unfinished}${rest}`, { force: true });
  renameSync(unfinished, file);
}

/** A table of one column i: 0 … count − 1. */
export const numbers = (count: number): string =>
  `(WITH RECURSIVE k (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i + 1 < ${count}) SELECT i FROM k)`;
