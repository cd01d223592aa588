import { ChatError } from "../error.ts";
import { backoffMs } from "../internal/backoff.ts";
import { nextTurn } from "../internal/clock.ts";
import { deferred } from "../internal/deferred.ts";
import { waitAtMost } from "../internal/deadline.ts";
import { levelMax } from "../log/log-kinds.ts";
import { applyMigrations } from "../store/migration/apply.ts";
import type { HistoryChange } from "../store/one-history.ts";
import type { Trouble } from "../store/store.ts";
import { createHistories } from "./histories.ts";
import { type DatabaseContext, openRuntime, type Runtime, type RuntimeOptions } from "./runtime.ts";

export type OpenDatabaseOptions = Pick<RuntimeOptions, "engine" | "bus" | "log"> & {
  readonly url: string;
  readonly migrate?: boolean;
  /** A connection has gone. */
  readonly onLeave?: () => void;
};

/** An open database, whichever history it has. */
export type Database = Pick<Runtime, "store" | "hub" | "parts" | "isWorking" | "counts" | "sizes"> & {
  /** Why it is not available; null: it is. */
  trouble(): Trouble | null;
  /** For how many milliseconds no connected client has done anything. */
  quietMs(): number;
  /** Whether it has no connections. */
  isEmpty(): boolean;
  /**
   * Answers the sends under way, closes the sockets with 1012 in waves, commits the rest and releases the database. Resolves within
   * the time; a store that hangs goes on closing. `reason`: for the clients.
   */
  close(deadlineMs: number, reason?: string): Promise<void>;
  /** Resolves once everything of it is closed, after `close()`. */
  readonly released: Promise<void>;
};

/** The pause before a runtime that could not be opened is tried again. */
const againMsMin = 50;
const againMsMax = 2_000;
const unreadableText =
  "the log holds what this release of Tidings cannot read, and nothing is served any more: start a newer release";
/** The reason that sockets are closed with. */
const tooOld = "this server is older than its database";

type State =
  /** The first runtime is being opened. */
  | { readonly type: "opening" }
  | { readonly type: "serving" }
  /** The history has ended, and a runtime of the next one is being opened. */
  | { readonly type: "renewing"; cancelPause: () => void }
  /** The log holds what this release cannot read: nothing is served until a newer release is started. */
  | { readonly type: "unreadable"; readonly found: string }
  | { readonly type: "closed"; readonly found: string | null };

/**
 * Opens a database: its schema, and the runtime of its history. When the database gets another history, as after a restore, the runtime is
 * abandoned with all that it knew, and a new one is opened on the same engine. When the log holds what this release cannot read, the runtime is
 * abandoned and none is opened. The engine is closed where opening fails.
 *
 * @throws ChatError `migration_refused`, `unavailable`, `database_unfit`: its log holds what this release cannot read.
 */
export async function openDatabase(options: OpenDatabaseOptions, context: DatabaseContext): Promise<Database> {
  const { engine, bus, log, onLeave = () => {} } = options;
  const { clock, random, limits } = context;
  const histories = createHistories({ engine, random, log });
  /** Runtimes of ended histories, while their sockets are closing. */
  const leaving = new Set<Runtime>();
  let state: State = { type: "opening" };
  let current: Runtime;
  let opened = 0;
  let renewing: Promise<void> = Promise.resolve();

  /** What the log holds that this release cannot read; null: nothing. */
  const unreadable = (): string | null => ("found" in state ? state.found : null);

  function open(): Promise<Runtime> {
    const number = ++opened;
    const onHistoryChange = (change: HistoryChange): void => {
      if (number === opened && state.type !== "closed") leaveHistory(change);
    };
    return openRuntime({ ...{ engine, bus, log, onLeave, onHistoryChange }, known: histories.known }, context);
  }

  /** The history of the newest runtime has ended. One that is still being opened is not kept: `renew` tries again. */
  function leaveHistory(change: HistoryChange): void {
    const isServing = state.type === "serving";
    if (change.type === "unreadable") {
      state = change;
      log.fatal(unreadableText, { found: change.found, level: levelMax });
      if (isServing) leave(current, tooOld);
      return;
    }
    if (change.type === "renamed") log.warn("the database has another history: the sockets are closed", change);
    else log.error("the database went back to before what it had committed: its history gets a new name", change);
    if (isServing) renewing = renew();
  }

  function leave(old: Runtime, reason?: string): void {
    leaving.add(old);
    old
      .abandon(limits.shutdownMs, reason)
      .catch((error: unknown) => log.error("a runtime did not end as it should", { error }))
      .finally(() => leaving.delete(old));
  }

  /** Opens a runtime of the history that the database has now, and tries again until it can be served. */
  async function renew(): Promise<void> {
    const renewal: State = { type: "renewing", cancelPause() {} };
    state = renewal;
    leave(current);
    let left = current.epoch;
    for (let attempt = 0; state === renewal; attempt++) {
      try {
        await histories.name(left);
        const next = await open();
        if (next.store.isCurrent() && !histories.hasEnded(next.epoch)) {
          current = next;
          if (state === renewal) state = { type: "serving" };
          return;
        }
        leave(next);
        left = next.epoch;
      } catch (error) {
        if (unreadable() !== null) return;
        log.error("the new history cannot be served yet", { error });
      }
      if (state !== renewal) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(backoffMs(random, { attempt, minMs: againMsMin, maxMs: againMsMax }), resolve);
        renewal.cancelPause = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  try {
    await applyMigrations(engine, { ...options, pause: () => nextTurn(clock) });
    current = await open();
    if (unreadable() !== null) {
      leave(current, tooOld);
      throw new Error("The log got what cannot be read while it was opened");
    }
    state = { type: "serving" };
    if (!current.store.isCurrent()) renewing = renew();
  } catch (error) {
    await engine.close();
    const found = unreadable();
    if (found === null) throw error;
    throw unfit(found, error);
  }
  const { promise: released, resolve: release } = deferred<void>();

  return {
    get store() {
      return current.store;
    },
    get hub() {
      return current.hub;
    },
    get parts() {
      return current.parts;
    },
    trouble: () => (unreadable() === null ? current.store.trouble() : "level"),
    quietMs: () => current.hub.quietMs(),
    isEmpty: () => current.hub.isEmpty() && [...leaving].every(({ hub }) => hub.isEmpty()),
    isWorking: () => current.isWorking(),
    async close(deadlineMs, reason) {
      if (state.type === "renewing") state.cancelPause();
      state = { type: "closed", found: unreadable() };
      // A runtime that opens too late is closed with the database under it.
      await waitAtMost(renewing, { clock, ms: deadlineMs / 4 });
      const { closing } = await current.close((deadlineMs * 3) / 4, reason);
      void closing.finally(release);
    },
    released,
    counts: () => current.counts(),
    sizes: () => largestSizes([current, ...leaving]),
  };
}

const unfit = (found: string, cause: unknown): ChatError =>
  new ChatError(
    "database_unfit",
    `The database holds what this release of Tidings cannot read (${found}; it reads up to level ${levelMax}): start a newer release`,
    { cause },
  );

/** Of each name the largest size in any runtime. */
function largestSizes(runtimes: readonly Runtime[]): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const runtime of runtimes)
    for (const [name, size] of Object.entries(runtime.sizes())) sizes[name] = Math.max(sizes[name] ?? 0, size);
  return sizes;
}
