import type { Engine, Statement } from "../engine/engine.ts";
import { hashOf, type Migration } from "./migration.ts";
import { split } from "./split.ts";
import { tableStatements, remember, requireVersion, setVersion } from "./state.ts";

/**
 * The first releases gave their tables plain names (`user`, `message`), which an app may have too, and kept their version in
 * golang-migrate's default table. They had these migrations; later ones have the prefix from the beginning.
 */
const unprefixedVersionMax = 5;
const prefix = "tidings_";

type Made = { readonly type: "table" | "index"; readonly name: string; readonly table: string; readonly sql: string };

/** A database of before the prefix, as it was found. */
export type Unprefixed = {
  readonly version: number;
  /** Made by its migrations, with the names of today. */
  readonly made: readonly Made[];
  readonly migrations: readonly Migration[];
  /** Whether the file holds nothing but Tidings, so that its old version table is ours to remove. */
  readonly isExclusive: boolean;
};

const createdTable = /^CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?["`[]?(\w+)/i;

/** The tables that a migration makes. */
export const tablesOf = ({ up }: Migration): string[] => split(up).flatMap((sql) => createdTable.exec(sql)?.[1] ?? []);

/** Which of these tables a database has: one of them is enough, so one is looked for. */
export async function findTables(engine: Engine, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const [rows = []] = await engine.read([
    {
      sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (SELECT value FROM json_each(?1)) LIMIT 1",
      args: [JSON.stringify(names)],
    },
  ]);
  return rows.map(({ name }) => String(name));
}

/** Whether a database has one of the tables that a migration makes; true where the migration makes none. */
export async function hasTablesOf(engine: Engine, migration: Migration): Promise<boolean> {
  const names = tablesOf(migration);
  return names.length === 0 || (await findTables(engine, names)).length > 0;
}

const creates = /^CREATE\s+(?:UNIQUE\s+)?(TABLE|INDEX)\s+(tidings_\w+)(?:\s+ON\s+(tidings_\w+))?/i;

/** The tables and indexes that a migration makes. */
function madeBy({ up }: Migration): Made[] {
  return split(up).flatMap((sql) => {
    const [, type, name, table] = creates.exec(sql) ?? [];
    if (name === undefined) return [];
    return [{ type: type?.toUpperCase() === "TABLE" ? "table" : "index", name, table: table ?? name, sql }];
  });
}

const unprefixed = (name: string): string => name.slice(prefix.length);

/**
 * Looks for a database of before the prefix; null where there is none. An app's own `user` or `message` is not taken for
 * ours: our record of applied migrations must be there, and every table and every index of a migration, each on its table.
 */
export async function findUnprefixed(engine: Engine, migrations: readonly Migration[]): Promise<Unprefixed | null> {
  const first = migrations.filter(({ version, up }) => version <= unprefixedVersionMax && up.includes(prefix));
  if (first.length === 0) return null;
  const [objects = []] = await engine.read([
    { sql: "SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('table', 'index')" },
  ]);
  const found = new Set(objects.map((row) => `${row["type"]} ${row["name"]} ${row["tbl_name"]}`));
  const has = ({ type, name, table }: Made): boolean => found.has(`${type} ${unprefixed(name)} ${unprefixed(table)}`);
  const isNew = found.has("table tidings_schema_migrations tidings_schema_migrations");
  if (isNew || !found.has("table tidings_migrations tidings_migrations")) return null;

  const [rows = []] = await engine.read([{ sql: "SELECT name FROM tidings_migrations WHERE version = 1" }]);
  if (rows[0]?.["name"] !== first[0]?.name) return null;
  const applied: Migration[] = [];
  for (const migration of first) {
    if (!madeBy(migration).every(has)) break;
    applied.push(migration);
  }
  const newest = applied.at(-1);
  if (!newest) return null;
  const made = applied.flatMap(madeBy);
  const own = new Set([...made.map(({ table }) => unprefixed(table)), "tidings_migrations", "schema_migrations"]);
  const isExclusive = objects.every(
    (row) => own.has(String(row["tbl_name"])) || /^(sqlite|libsql|tidings)_/.test(String(row["tbl_name"])),
  );
  return { version: newest.version, made, migrations: applied, isExclusive };
}

/**
 * Gives the tables of such a database their prefix, in one transaction. Indexes cannot be renamed, so they are built anew: about three seconds
 * for a million messages.
 */
export async function renameUnprefixed(
  engine: Engine,
  { version, made, migrations, isExclusive }: Unprefixed,
): Promise<void> {
  const tables = made.filter(({ type }) => type === "table");
  const indexes = made.filter(({ type }) => type === "index");
  const hashes = await Promise.all(migrations.map(async (one) => ({ ...one, hash: await hashOf(one) })));
  const rename = ({ name }: Made): Statement => ({ sql: `ALTER TABLE "${unprefixed(name)}" RENAME TO ${name}` });
  await engine.write([
    ...tableStatements,
    requireVersion(0),
    ...indexes.map(({ name }) => ({ sql: `DROP INDEX "${unprefixed(name)}"` })),
    ...tables.map(rename),
    ...indexes.map(({ sql }) => ({ sql })),
    ...hashes.map(remember),
    ...setVersion(version),
    // Beside an app's tables it is the app's, and its version is left as it is.
    ...(isExclusive ? [{ sql: "DROP TABLE IF EXISTS schema_migrations" }] : []),
  ]);
}
