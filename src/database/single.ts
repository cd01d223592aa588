import type { Log } from "../internal/logger.ts";
import { ChatError } from "../error.ts";
import { hashOfTicket } from "../http/ticket.ts";
import type { Clock } from "../internal/clock.ts";
import { within } from "../internal/within.ts";
import type { Database } from "./database.ts";
import type { Databases } from "./databases.ts";

export type SingleOptions = {
  readonly open: () => Promise<Database>;
  readonly clock: Clock;
  readonly log: Log;
};

/** One database for all tenants, which is opened at once. */
export function createSingle({ open, clock, log }: SingleOptions): Databases {
  let database: Database | null = null;
  const opening = open().then((opened) => void (database = opened));
  // Whoever wants to know asks `ready()`; a host that never does must not end by an unhandled rejection.
  opening.catch((error: unknown) => log.error("the chat cannot start", { error }));

  function found(): Database {
    if (database) return database;
    throw new ChatError("internal", "A socket was connected before it was admitted");
  }

  return {
    ready: () => opening,
    trouble: () => (database ? database.trouble() : "starting"),
    async lease() {
      await opening;
      return { database: found(), release() {} };
    },
    admit: found,
    connect: found,
    ticketOf: (secret) => secret,
    async useTicket(ticket) {
      const hash = await hashOfTicket(ticket);
      return hash === null ? null : await found().store.useTicket(hash, clock.now());
    },
    async close(deadlineMs) {
      const end = clock.elapsed() + deadlineMs;
      const left = (): number => Math.max(0, end - clock.elapsed());
      // What opens too late closes behind our back.
      const closing = opening.then(
        () => found().close(left()),
        () => {},
      );
      await within(clock, deadlineMs, closing);
    },
    counts: () => database?.counts() ?? { applied: 0, read: 0 },
    sizes: () => database?.sizes() ?? null,
  };
}
