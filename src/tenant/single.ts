import { hashOfTicket } from "../access/ticket.ts";
import { ChatError } from "../error.ts";
import { deferred } from "../internal/deferred.ts";
import { waitAtMost } from "../internal/deadline.ts";
import { type AttemptOptions, type Outcome, tryToOpen } from "./attempt.ts";
import type { Database } from "./database.ts";
import type { Databases } from "./databases.ts";

export type SingleOptions = Omit<AttemptOptions, "attempt"> & {
  /** How long `ready()` waits for a database that cannot be opened yet; 0: for the first try. */
  readonly startMs: number;
};

/**
 * One database for all tenants. It is opened at once, and tried again until it is open or an operator must change something first. Requests
 * wait for the try under way, and are refused between two tries.
 */
export function createSingle({ startMs, ...options }: SingleOptions): Databases {
  const { clock } = options;
  let outcome: Outcome | { readonly type: "opening" } = { type: "opening" };
  let isStopped = false;
  let cancelNext = (): void => {};
  /** Resolves when no further try is made. */
  const { promise: ended, resolve: end } = deferred<void>();
  let trying = tryOnce(0);

  async function tryOnce(attempt: number): Promise<void> {
    const result = await tryToOpen({ ...options, attempt });
    outcome = result;
    if (result.type === "open" || isStopped || result.isFinal) return end();
    cancelNext = clock.after(result.until - clock.elapsed(), () => void (trying = tryOnce(attempt + 1)));
  }

  const opened = (): Database | null => (outcome.type === "open" ? outcome.database : null);

  /** The database. Throws the reason why it is not open: `unavailable` where a further try may help. */
  function found(): Database {
    if (outcome.type === "open") return outcome.database;
    if (outcome.type === "opening") throw new ChatError("unavailable", "The database is not open yet");
    const { error, isFinal } = outcome;
    if (isFinal) throw error;
    throw new ChatError("unavailable", `The database cannot be opened yet: ${error.message}`, { cause: error });
  }

  return {
    async ready() {
      await (startMs === 0 ? trying : waitAtMost(ended, { clock, ms: startMs }));
      if (opened()) return;
      if (isStopped) throw new ChatError("unavailable", "The chat is shutting down");
      if (outcome.type === "failed") throw outcome.error;
      throw new ChatError("unavailable", `The database was not open within ${startMs} ms`);
    },
    trouble: () => (outcome.type === "open" ? outcome.database.trouble() : "starting"),
    async isOpen() {
      if (!opened()) await trying;
      return opened() !== null;
    },
    async lease() {
      if (!opened()) await trying;
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
      isStopped = true;
      cancelNext();
      const until = clock.elapsed() + deadlineMs;
      end();
      // A database that opens too late is closed in the background.
      const closing = trying.then(() => opened()?.close(Math.max(0, until - clock.elapsed())));
      await waitAtMost(closing, { clock, ms: deadlineMs });
    },
    counts: () => opened()?.counts() ?? { applied: 0, read: 0 },
    sizes: () => opened()?.sizes() ?? null,
  };
}
