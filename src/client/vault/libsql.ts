import { type Scope, type Storage, type Vault, VaultError, type VaultFault } from "./contract.ts";
import { namesOf, type SqlStatement, tablesSql, vaultSql } from "./libsql-sql.ts";
import { createVault, type Rows } from "./libsql-vault.ts";
import type { Meta } from "./rows.ts";

/**
 * What {@link libsql} needs of a database: `createClient()` of `@libsql/client` has it, and a few lines make it of any other SQLite. `batch` runs the
 * statements in one transaction, all or none, on disk when it resolves; its answer has one result for each statement.
 */
export interface SqlClient {
  batch(
    statements: { sql: string; args: (string | number | null)[] }[],
    mode: "read" | "write",
  ): Promise<readonly { readonly rows: readonly { readonly [column: string]: unknown }[] }[]>;
  /** Opens its connections anew. Called after the database was busy: a connection of libSQL that has seen this loses later writes. */
  reconnect?(): unknown;
}

export type LibsqlOptions = {
  /** What the names of the tables begin with. Default: `tidings_client_`. */
  readonly prefix?: string;
};

/** A database as all of its storages use it: one call after the other, and who is to be called when a scope is destroyed. */
type Database = { last: Promise<unknown>; readonly losses: Map<number, Set<() => void>> };
const databases = new WeakMap<SqlClient, Database>();

/** SQLite's number for FULL. */
const syncFull = 2;

/**
 * Storage in tables of a SQLite database, for servers and bots. Every write is `strict`. No other client object of this process may write to the same
 * file at the same time.
 *
 * @example
 * const { createClient } = await import("@libsql/client");
 * const storage = libsql(createClient({ url: "file:bot.db" }));
 */
export function libsql(client: SqlClient, { prefix = "tidings_client_" }: LibsqlOptions = {}): Storage {
  if (!/^[a-z_]\w*$/i.test(prefix)) throw new TypeError(`"${prefix}" cannot begin the name of a table`);
  const names = namesOf(prefix);
  const sql = tablesSql(names);
  const database: Database = databases.get(client) ?? {
    last: Promise.resolve(),
    losses: new Map<number, Set<() => void>>(),
  };
  databases.set(client, database);

  async function run(statements: readonly SqlStatement[], mode: "read" | "write"): Promise<readonly Rows[]> {
    try {
      const results = await client.batch(
        statements.map(([text, ...args]) => ({ sql: text, args })),
        mode,
      );
      return results.map(({ rows }) => rows);
    } catch (error) {
      if (/BUSY|LOCKED/.test(codeOf(error))) client.reconnect?.();
      throw error;
    }
  }

  /** Runs `work` after all work that was asked for before, so that no two writes of this process meet. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = database.last.then(work).catch((error: unknown) => {
      throw faultOf(error);
    });
    database.last = result.catch(() => undefined);
    return result;
  }

  let isReady = false;
  /** Makes the tables. Resolves to whether the data outlives the process. */
  async function prepare(): Promise<Vault["kind"]> {
    if (!isReady) await run(sql.create, "write");
    isReady = true;
    // A database over the network does not answer these; it decides itself.
    const [[level] = [], files = []] = await run(sql.pragmas, "read").catch(() => []);
    if (level !== undefined && Number(level["synchronous"]) < syncFull)
      throw new VaultError(
        "unavailable",
        "The database loses writes in a power cut: it needs PRAGMA synchronous = FULL",
      );
    return files.some(({ name, file }) => name === "main" && file === "") ? "memory" : "durable";
  }

  const find = async (scope: Scope): Promise<number | null> => {
    const [[row] = []] = await run([sql.find(textOf(scope))], "read");
    return row === undefined ? null : Number(row["id"]);
  };

  return {
    open: (scope, makeDevice) =>
      inTurn(async () => {
        const kind = await prepare();
        const meta: Meta = { device: makeDevice(), cursor: null, level: 0, identity: null };
        const known = await find(scope);
        if (known === null) await run([sql.add(textOf(scope), JSON.stringify(meta))], "write");
        const id = known ?? (await find(scope));
        if (id === null) throw new VaultError("lost", "The vault was deleted as it was opened");
        const losses = database.losses.get(id) ?? new Set<() => void>();
        database.losses.set(id, losses);
        return createVault({ kind, sql: vaultSql(names, id), run, inTurn, losses });
      }),
    scopes: () =>
      inTurn(async () => {
        await prepare();
        const [rows = []] = await run([sql.scopes], "read");
        return rows.map((row) => scopeOf(String(row["scope"])));
      }),
    destroy: (scope) =>
      inTurn(async () => {
        await prepare();
        const id = await find(scope);
        if (id === null) return;
        await run(sql.destroy(id), "write");
        for (const lose of [...(database.losses.get(id) ?? [])]) lose();
        database.losses.delete(id);
      }),
  };
}

const textOf = ({ url, tenant, user }: Scope): string => JSON.stringify([url, tenant, user]);

function scopeOf(text: string): Scope {
  const [url, tenant, user] = JSON.parse(text) as [string, string, string];
  return { url, tenant, user };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : error instanceof Error ? error.message : "";

function faultOf(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  const fault: VaultFault = /FULL/.test(codeOf(error))
    ? "full"
    : /CANTOPEN|NOTADB|CORRUPT/.test(codeOf(error))
      ? "unavailable"
      : "failed";
  return new VaultError(fault, `The database failed: ${error instanceof Error ? error.message : String(error)}`, error);
}
