import { ChatError } from "../error.ts";
import type { Random } from "../internal/random.ts";
import type { Engine, Statement } from "./engine/engine.ts";
import * as sql from "./sql.ts";

const nameOf = (random: Random): string => random.integer().toString(36).padStart(11, "0");

/**
 * Gives the log's history a new name, as after a restore from a backup: what devices stored beyond the backup's end
 * would otherwise look like a part of it. A device that comes back with a cursor of the old history gets `reset`.
 *
 * @throws ChatError `migration_refused`: the database has no schema yet; `unavailable`: it cannot be reached.
 *
 * @example
 * await newEpoch(engine, random); // "0f3c…"
 */
export async function newEpoch(engine: Engine, random: Random): Promise<string> {
  const [[schema] = []] = await engine.read([{ sql: sql.selectHasHead }]);
  if (!schema)
    throw new ChatError("migration_refused", 'The database has no history yet: run "tidings migrate up" first');
  const epoch = nameOf(random);
  await engine.write(statementsOf(epoch));
  return epoch;
}

/** `only`: a database that still has this history, below this change number. */
const statementsOf = (epoch: string, only?: { readonly epoch: string; readonly n: number }): Statement[] => [
  { sql: sql.updateEpoch, args: [epoch, only?.epoch ?? null, only?.n ?? null] },
  { sql: sql.forgetWorker, args: [epoch] },
  { sql: sql.forgetTickets, args: [epoch] },
];

/**
 * The same for a database that was seen to have gone back: to below change number `n` of history `epoch`. Of several nodes that see it, one
 * names the new history.
 */
export async function replaceEpoch(
  engine: Engine,
  { random, epoch, n }: { readonly random: Random; readonly epoch: string; readonly n: number },
): Promise<void> {
  await engine.write(statementsOf(nameOf(random), { epoch, n }));
}
