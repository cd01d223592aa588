import { ChatError } from "../error.ts";
import type { Random } from "../internal/random.ts";
import type { Engine } from "./engine/engine.ts";
import * as sql from "./sql.ts";

/**
 * Gives the log's history a new name, as after a restore from a backup: what devices stored beyond the backup's end
 * would otherwise look like a part of it. Each device is told `reset` when it comes back with a cursor of the old one.
 *
 * @throws ChatError `migration_refused`: the database has no schema yet; `unavailable`: it cannot be reached.
 *
 * @example
 * await newEpoch(engine, systemRandom); // "0f3c…"
 */
export async function newEpoch(engine: Engine, random: Random): Promise<string> {
  const [[schema] = []] = await engine.read([{ sql: sql.selectHasHead }]);
  if (!schema)
    throw new ChatError("migration_refused", 'The database has no history yet: run "tidings migrate up" first');
  const epoch = random.integer().toString(36).padStart(11, "0");
  await engine.write([{ sql: sql.updateEpoch, args: [epoch] }]);
  return epoch;
}
