import { ChatError } from "../error.ts";
import { hashOfTicket } from "../access/ticket.ts";
import { waitAtMost } from "../internal/deadline.ts";
import { type AttemptOptions, type Outcome, tryToOpen } from "./attempt.ts";
import type { Database } from "./database.ts";
import type { Databases } from "./databases.ts";

export type SingleOptions = Omit<AttemptOptions, "attempt"> & {
  /** How long `ready()` waits for a database that cannot be opened yet; 0: for the first try. */
  readonly startMs: number;
};

/**
 * One database for all tenants, which is opened at once, and tried again until it is open or somebody must change something first. Requests
 * wait for the try under way, and are refused between two tries.
 */
export function createSingle({ startMs, ...options }: SingleOptions): Databases {
  const { clock } = options;
  let database: Database | null = null;
  let failed: Extract<Outcome, { type: "failed" }> | null = null;
  let isStopped = false;
  let cancelNext = (): void => {};
  let end = (): void => {};
  /** Resolves when no further try is made: it is open, or never will be. */
  const ended = new Promise<void>((resolve) => (end = resolve));
  let trying = tryOnce(0);

  async function tryOnce(attempt: number): Promise<void> {
    const outcome = await tryToOpen({ ...options, attempt });
    if (outcome.type === "open") {
      database = outcome.database;
      return end();
    }
    failed = outcome;
    if (isStopped || outcome.isFinal) return end();
    cancelNext = clock.after(outcome.until - clock.elapsed(), () => void (trying = tryOnce(attempt + 1)));
  }

  /** Why it is not open: what a further try may change is told as something that ends. */
  function whyNot(): ChatError {
    if (failed === null) return new ChatError("unavailable", "The database is not open yet");
    const { error, isFinal } = failed;
    if (isFinal) return error;
    return new ChatError("unavailable", `The database cannot be opened yet: ${error.message}`, { cause: error });
  }

  function found(): Database {
    if (database) return database;
    throw whyNot();
  }

  return {
    async ready() {
      await (startMs === 0 ? trying : waitAtMost(ended, { clock, ms: startMs }));
      if (database) return;
      if (isStopped) throw new ChatError("unavailable", "The chat is shutting down");
      throw failed?.error ?? new ChatError("unavailable", `The database was not open within ${startMs} ms`);
    },
    trouble: () => (database ? database.trouble() : "starting"),
    async isOpen() {
      if (!database) await trying;
      return database !== null;
    },
    async lease() {
      if (!database) await trying;
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
      // What opens too late closes behind our back.
      const closing = trying.then(() => database?.close(Math.max(0, until - clock.elapsed())));
      await waitAtMost(closing, { clock, ms: deadlineMs });
    },
    counts: () => database?.counts() ?? { applied: 0, read: 0 },
    sizes: () => database?.sizes() ?? null,
  };
}
