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

/** A file that is built once for each name. */
export type CachedFile = { readonly name: string; readonly build: (file: string) => Promise<void> };

/** Copies the database to a path from the cache in the folder for temporary files, where it is built the first time. */
export async function copyCached({ benchmark, version, fill }: CachedDatabase, path: string): Promise<void> {
  const name = `${benchmark}-${version}-${await schemaHash()}`;
  await copyCachedFile({ name, build: (file) => buildMigrated(file, fill) }, path);
}

/** The same for a file that `build` makes; its name must change with its content. */
export async function copyCachedFile({ name, build }: CachedFile, path: string): Promise<void> {
  const cached = join(tmpdir(), `tidings-bench-${name}.db`);
  if (!existsSync(cached)) {
    console.error(`Building ${cached} (once)`);
    const unfinished = `${cached}.${process.pid}`;
    await build(unfinished);
    // Files of SQLite and of the engine beside it; the database file has everything by now.
    for (const rest of [".lock", "-wal", "-shm"]) rmSync(`${unfinished}${rest}`, { force: true });
    renameSync(unfinished, cached);
  }
  copyFileSync(cached, path, constants.COPYFILE_FICLONE);
}

/** Changes with the migrations: a part of the names of cached files. */
export async function schemaHash(): Promise<string> {
  const hashes = await Promise.all(bundledMigrations.map(hashOf));
  return Bun.hash(hashes.join()).toString(36);
}

/** Makes a database with all migrations, and fills it. */
export async function buildMigrated(file: string, fill: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = createEmbeddedEngine({ path: file });
  await migrate(engine, bundledMigrations);
  await fill(engine);
  await engine.close();
}

/** A table of one column i: 0 … count − 1. */
export const numbers = (count: number): string =>
  `(WITH RECURSIVE k (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i + 1 < ${count}) SELECT i FROM k)`;
