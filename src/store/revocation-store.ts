import type { Identity, LogEntry } from "../model.ts";
import type { Engine } from "./engine/engine.ts";
import { revocationEntryOf } from "./read/log-rows.ts";
import type { Commit, RevokeOptions } from "./store.ts";
import * as sql from "./revocation-sql.ts";
import { insertUser } from "./sql.ts";

/** Sockets from before a revocation are closed long before this. */
const keptMs = 86_400_000;
/** A node that starts reads at most this many. */
const recentMax = 10_000;

/** Ends sessions. A call that the database fails rejects, and its outcome is unknown until it is repeated. */
export function createRevocationStore({ engine }: { readonly engine: Pick<Engine, "read" | "write"> }) {
  return {
    /** The newest ones since a time, in milliseconds since the Unix epoch. */
    async recent(since: number): Promise<readonly LogEntry[]> {
      const [rows = []] = await engine.read([{ sql: sql.selectRecentRevocations, args: [since, recentMax] }]);
      return rows.map(revocationEntryOf);
    },

    async revoke(
      { tenant, user }: Identity,
      { device, reason, time, keepsTickets = false }: RevokeOptions,
    ): Promise<Commit> {
      const results = await engine.write([
        { sql: insertUser, args: [tenant, user] },
        { sql: sql.sweepRevocations, args: [time - keptMs] },
        ...(keepsTickets ? [] : [{ sql: sql.deleteTickets, args: [tenant, user] }]),
        { sql: sql.advanceHead },
        { sql: sql.insertRevocation, args: [tenant, user, device ?? null, reason, time] },
      ]);
      const entries = (results.at(-1) ?? []).map(revocationEntryOf);
      const to = entries[0]?.change.n ?? 0;
      return { from: to - 1, to, entries };
    },
  };
}
