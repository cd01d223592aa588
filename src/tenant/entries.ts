import { ChatError } from "../error.ts";
import { type Clock, nextTurn } from "../internal/clock.ts";
import type { Log } from "../internal/logger.ts";
import type { Random } from "../internal/random.ts";
import { createSemaphore } from "../internal/semaphore.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Limits } from "../protocol/limits.ts";
import { redactUrl } from "../store/engine/redact-url.ts";
import type { Database } from "./database.ts";
import { createEntry, type Entry } from "./entry.ts";
import { isWorking, longestUnused, mayGiveWay } from "./unused.ts";

export type EntriesOptions<N> = {
  /** Opens the database that the host named; `onLeave` must be called for each connection that has gone. */
  readonly open: (named: N, onLeave: () => void) => Promise<Database>;
  readonly onClosed: (entry: Entry) => void;
  readonly clock: Clock;
  readonly random: Pick<Random, "integer">;
  readonly limits: Limits;
  readonly log: Log;
};

/** The databases that are opening, open or closing: at most `databasesMax`, one for each URL. */
export type Entries<N> = {
  get(url: string): Entry | undefined;
  values(): Iterable<Entry>;
  /** How many there are of `databasesMax`. */
  taken(): number;
  /** Begins to open a database. `attempt`: how many tries failed just before. */
  begin(named: N, attempt: number): Entry;
  /** Forgets a database that is not open. */
  drop(entry: Entry): void;
  /** Closes databases that were idle for `databaseIdleMs`, and forgets old failures. */
  sweep(): void;
  /** Opens no more; closes all. */
  close(deadlineMs: number): Promise<void>;
};

/** A failed opening is forgotten this long after the next try was allowed. */
const failedKeptMs = 60_000;
/** How long a database may take to close with its connections, where another tenant waits for its room. */
const giveWayMs = 2_000;

export const isFile = (url: string): boolean => url.startsWith("file:");

export const shuttingDown = (): ChatError => new ChatError("unavailable", "The chat is shutting down");

/** A database is opened only once the one before with its URL is closed to its end. */
export function createEntries<N extends { readonly url: string }>(options: EntriesOptions<N>): Entries<N> {
  const { open, onClosed, clock, random, limits, log } = options;
  const entries = new Map<string, Entry>();
  const enter = createSemaphore(1);
  let taken = 0;
  let isStopped = false;

  function drop(entry: Entry): void {
    onClosed(entry);
    if (entries.get(entry.url) === entry) entries.delete(entry.url);
  }

  /** Closes a database; then its part of `databasesMax` is free, or goes to the one for which it is reserved. */
  function shut(entry: Entry, closingMs: number = limits.shutdownMs, reason?: string): Promise<void> {
    if (entry.state.type !== "open") return Promise.resolve();
    const { database } = entry.state;
    const close = async (): Promise<void> => {
      try {
        await database.close(closingMs, reason);
        await database.released;
      } catch (error) {
        log.error("a database did not close as it should", { database: redactUrl(entry.url), error });
      }
      drop(entry);
      if (entry.state.type !== "closing" || !entry.state.isReserved) taken--;
    };
    const done = close();
    entry.state = { type: "closing", database, done, isReserved: false };
    return done;
  }

  async function shutUnlessWorking(entry: Entry): Promise<void> {
    const usedAt = entry.usedAt();
    if (await isWorking(entry, clock)) return;
    if (entry.isIdleFor(limits.databaseIdleMs) && entry.usedAt() === usedAt && !isStopped) void shut(entry);
  }

  /** Closes a database, for another one needs its part of `databasesMax`. */
  function giveWay(entry: Entry): void {
    if (!entry.isIdleFor(0))
      log.warn("a database was closed with its idle connections, for another one: databasesMax is small", {
        database: redactUrl(entry.url),
      });
    void shut(entry, Math.min(giveWayMs, limits.shutdownMs), "another database needs the room: reconnect");
  }

  /** Takes a part of `databasesMax`; where all are taken, the one of the database that was unused longest. */
  async function makeRoom(): Promise<void> {
    for (;;) {
      if (isStopped) throw shuttingDown();
      if (taken < limits.databasesMax) return void taken++;
      const leaving = [...entries.values()].find(({ state }) => state.type === "closing" && !state.isReserved);
      const entry = leaving ?? (await longestUnused(entries, { clock, limits }));
      if (taken < limits.databasesMax) continue;
      if (!entry)
        throw new ChatError("unavailable", `${limits.databasesMax} databases are open, and all of them are in use`);
      if (mayGiveWay(entry, limits)) giveWay(entry);
      const { state } = entry;
      if (state.type !== "closing" || state.isReserved) continue;
      state.isReserved = true;
      return await state.done;
    }
  }

  /** Files are opened one after the other, each in a turn of its own: opening one blocks the event loop. */
  const inOrder = (named: N, work: () => Promise<Database>): Promise<Database> =>
    isFile(named.url) ? enter(() => nextTurn(clock).then(work)) : work();

  return {
    get: (url) => entries.get(url),
    values: () => entries.values(),
    taken: () => taken,
    drop,

    begin(named, attempt) {
      async function openIn(): Promise<Database> {
        await makeRoom();
        try {
          if (isStopped) throw shuttingDown();
          return await inOrder(named, () => open(named, () => entry.touch()));
        } catch (error) {
          taken--;
          throw error;
        }
      }
      const entry = createEntry({
        ...{ url: named.url, attempt, clock, random, open: openIn },
        log: log.with({ database: redactUrl(named.url) }),
      });
      entries.set(named.url, entry);
      return entry;
    },

    sweep() {
      const now = clock.elapsed();
      for (const entry of entries.values()) {
        // Kept for a while: it counts the failures.
        if (entry.state.type === "failed" && entry.state.until + failedKeptMs <= now) drop(entry);
        if (entry.isIdleFor(limits.databaseIdleMs)) void shutUnlessWorking(entry);
      }
    },

    async close(deadlineMs) {
      isStopped = true;
      const closings = Array.from(entries.values(), async (entry) => {
        await entry.settled;
        await (entry.state.type === "closing" ? entry.state.done : shut(entry));
      });
      await waitAtMost(Promise.all(closings), { clock, ms: deadlineMs });
    },
  };
}
