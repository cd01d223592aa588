import { pause as waitFor, systemClock } from "../../internal/clock.ts";
import type { Engine, Statement } from "../engine/engine.ts";
import { requireVersion } from "./state.ts";

/** The range of all keys of a table. Where a statement changes a table's rows in it, it is divided: each piece has a range of some rows. */
const allKeys = /\b(\w+) BETWEEN 0 AND 9223372036854775807\b/;
const update = /^UPDATE\s+(\w+)\s/i;

/** An UPDATE of all rows of a table that runs in pieces. As one statement it would be as right, and other tools run it so. */
export type Divided = { readonly sql: string; readonly table: string; readonly key: string };

/** The statement as one that is divided; null for any other. */
export function dividedOf(sql: string): Divided | null {
  const table = update.exec(sql)?.[1];
  const key = allKeys.exec(sql)?.[1];
  return table === undefined || key === undefined ? null : { sql, table, key };
}

/** A server that speaks libSQL ends a transaction after five seconds, and meanwhile nobody else writes. */
const pieceRows = { first: 500, min: 100, max: 20_000 } as const;
const pieceMs = { short: 50, long: 150 } as const;
/** Between two pieces, others get this part of the time that a piece took. */
const pauseShare = 0.25;

/** The last key of the next rows after `after` and up to `end`, at most `rows` of them. */
const lastOf = ({ table, key }: Divided, bound: { after: number; end: number; rows: number }): Statement => ({
  sql: `SELECT max(x.last) AS last FROM (SELECT ${key} AS last FROM ${table} WHERE ${key} > ?1 AND ${key} <= ?2 ORDER BY ${key} LIMIT ?3) x`,
  args: [bound.after, bound.end, bound.rows],
});

/**
 * Runs a divided statement, each piece a transaction, for as long as the database is at version `from`. It goes up to the key that is the last when it begins: what others
 * add meanwhile must not need it. It may be run again from the beginning at any time: its own condition leaves out the rows that are done.
 */
export async function runPieces(
  engine: Engine,
  { divided, from, pause }: { divided: Divided; from: number; pause?: (() => Promise<void>) | undefined },
): Promise<void> {
  const last = async (statement: Statement): Promise<number | null> => {
    const [[row] = []] = await engine.read([statement]);
    return typeof row?.["last"] === "number" ? row["last"] : null;
  };
  const end = await last({ sql: `SELECT max(${divided.key}) AS last FROM ${divided.table}` });
  let rows: number = pieceRows.first;
  for (let after = -1; end !== null && after < end;) {
    const upTo = (await last(lastOf(divided, { after, end, rows }))) ?? end;
    await pause?.();
    const begun = systemClock.elapsed();
    const sql = divided.sql.replace(allKeys, `$1 BETWEEN ${after + 1} AND ${upTo}`);
    await engine.write([requireVersion(from), { sql }]);
    const ms = systemClock.elapsed() - begun;
    if (ms < pieceMs.short) rows = Math.min(pieceRows.max, 2 * rows);
    else if (ms > pieceMs.long) rows = Math.max(pieceRows.min, Math.floor(rows / 2));
    after = upTo;
    await waitFor(systemClock, ms * pauseShare);
  }
}
