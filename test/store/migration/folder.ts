import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alteration } from "../../support/alter-source.ts";
import { labelOf, type Migration } from "../../../src/store/migration/migration.ts";

const script = join(import.meta.dir, "../../../scripts/migrate.ts");

/** A temporary folder, until `remove()`. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "tidings-migration-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function writeMigrations(folder: string, migrations: readonly Migration[]): void {
  for (const migration of migrations) {
    writeFileSync(join(folder, `${labelOf(migration)}.up.sql`), migration.up);
    writeFileSync(join(folder, `${labelOf(migration)}.down.sql`), migration.down);
  }
}

const preload = join(import.meta.dir, "../../support/alter-preload.ts");

/** Starts the real script as a process of its own, without a terminal; `alterations`: bugs planted into it. */
export function startScript(
  args: readonly string[],
  env: Record<string, string> = {},
  alterations: readonly Alteration[] = [],
) {
  const planted = alterations.length > 0 ? ["--preload", preload] : [];
  return Bun.spawn([process.execPath, ...planted, script, ...args], {
    env: {
      ...process.env,
      DATABASE_URL: undefined,
      DATABASE_AUTH_TOKEN: undefined,
      ALTERATIONS: JSON.stringify(alterations),
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

export type Ran = { readonly out: string; readonly error: string; readonly code: number };

export async function runScript(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = startScript(args, env);
  const [out, error] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { out, error, code: await child.exited };
}

/** Three small migrations with nothing special about them. */
export const three: readonly Migration[] = [
  {
    version: 1,
    name: "people",
    up: "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);",
    down: "DROP TABLE people;",
  },
  {
    version: 2,
    name: "pets",
    up: "CREATE TABLE pets (name TEXT);\nINSERT INTO pets VALUES ('a;b'), ('it''s');",
    down: "DROP TABLE pets;",
  },
  {
    version: 3,
    name: "age",
    up: "ALTER TABLE people ADD COLUMN age INTEGER;",
    down: "ALTER TABLE people DROP COLUMN age;",
  },
];
