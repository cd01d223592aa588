import type { Engine, Row, Statement, Value } from "../engine/engine.ts";
import { migrationRefused } from "./migration.ts";

/** A migration as the database remembers it. */
export type Applied = { readonly version: number; readonly name: string; readonly hash: string };

/** The schema according to the database. Version 0: no migration is applied. */
export type State = {
  readonly version: number;
  readonly isDirty: boolean;
  readonly applied: readonly Applied[];
};

/**
 * `schema_migrations` is golang-migrate's own table, made as its SQLite driver makes it and holding at most one
 * row, so either tool goes on where the other stopped. The other table is ours: the applied migrations with their content's hash.
 * First in every write.
 */
export const tableStatements: readonly Statement[] = [
  { sql: "CREATE TABLE IF NOT EXISTS tidings_schema_migrations (version uint64,dirty bool)" },
  { sql: "CREATE UNIQUE INDEX IF NOT EXISTS tidings_version_unique ON tidings_schema_migrations (version)" },
  {
    sql: `CREATE TABLE IF NOT EXISTS tidings_migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  applied_at INTEGER NOT NULL
)`,
  },
];

/** Reads the state and changes nothing, not even by making the tables. */
export async function readState(engine: Engine): Promise<State> {
  const [found = []] = await engine.read([
    {
      sql: `SELECT
  sum(name = 'tidings_schema_migrations') AS has_version,
  sum(name = 'tidings_migrations') AS has_applied
FROM sqlite_master WHERE type = 'table'`,
    },
  ]);
  const nothing: Statement = { sql: "SELECT 0 WHERE 0" };
  const [versions = [], rows = []] = await engine.read([
    found[0]?.has_version === 1 ? { sql: "SELECT version, dirty FROM tidings_schema_migrations" } : nothing,
    found[0]?.has_applied === 1
      ? { sql: "SELECT version, name, hash FROM tidings_migrations ORDER BY version" }
      : nothing,
  ]);
  if (versions.length > 1) {
    throw migrationRefused(
      `tidings_schema_migrations holds ${versions.length} rows, it should hold one. Find out which version the schema is at ` +
        "and run `force` with it",
    );
  }
  const row = versions[0];
  return {
    version: Math.max(0, numberIn(row?.version)),
    isDirty: row !== undefined && numberIn(row.dirty) !== 0,
    applied: rows.map(toApplied),
  };
}

/** Statements that set the version, as golang-migrate's SetVersion does: version 0 is no row. */
export function setVersion(version: number): Statement[] {
  const clear: Statement = { sql: "DELETE FROM tidings_schema_migrations" };
  if (version === 0) return [clear];
  return [clear, { sql: "INSERT INTO tidings_schema_migrations (version, dirty) VALUES (?, 0)", args: [version] }];
}

export function remember({ version, name, hash }: Applied): Statement {
  return {
    sql: `INSERT OR REPLACE INTO tidings_migrations (version, name, hash, applied_at)
VALUES (?, ?, ?, CAST(strftime('%s', 'now') AS INTEGER) * 1000)`,
    args: [version, name, hash],
  };
}

/** Forgets every migration above this version. */
export function forgetAbove(version: number): Statement {
  return { sql: "DELETE FROM tidings_migrations WHERE version > ?", args: [version] };
}

/**
 * Makes the write fail as a whole unless the database still is, cleanly, at this version: another process may
 * have migrated it since it was read. (The name of a row may not be null.)
 */
export function requireVersion(version: number): Statement {
  const isThere =
    version === 0
      ? "NOT EXISTS (SELECT 1 FROM tidings_schema_migrations WHERE version > ? OR dirty <> 0)"
      : "EXISTS (SELECT 1 FROM tidings_schema_migrations WHERE version = ? AND dirty = 0)";
  return {
    sql: `INSERT INTO tidings_migrations (version, name, hash, applied_at) SELECT -1, NULL, '', 0 WHERE NOT ${isThere}`,
    args: [version],
  };
}

function toApplied(row: Row): Applied {
  return { version: numberIn(row.version), name: String(row.name), hash: String(row.hash) };
}

function numberIn(value: Value | undefined): number {
  return value === null || value === undefined ? 0 : Number(value);
}
