import type { Log } from "../internal/logger.ts";
import { ChatError } from "../error.ts";
import type { Transport } from "../bus/transport.ts";
import { nextTurn } from "../hub/in-turns.ts";
import { backoffMs } from "../internal/backoff.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Cursor } from "../model.ts";
import { levelMax } from "../log/log-kinds.ts";
import type { Engine } from "../store/engine/engine.ts";
import { replaceEpoch } from "../store/epoch.ts";
import { applyMigrations } from "../store/migration/apply.ts";
import type { KnownHistories } from "../store/one-history.ts";
import { selectHead } from "../store/sql.ts";
import type { Trouble } from "../store/store.ts";
import { type DatabaseContext, openRuntime, type Runtime } from "./runtime.ts";

export type DatabaseOptions = {
  readonly engine: Engine;
  readonly url: string;
  readonly migrate?: boolean;
  /** How the nodes on this database speak to each other, where there are others. */
  readonly bus: Transport | undefined;
  readonly log: Log;
  /** A connection has gone. */
  readonly onLeave?: () => void;
};

/** How long is waited before a runtime that could not be opened is tried again. */
const againMsMin = 50;
const againMsMax = 2_000;
/** What sockets are told. */
const tooOld = "this server is older than its database";

/**
 * Opens a database: its schema, and the runtime of the history that it has. When it gets another history, as after a restore, the runtime is
 * abandoned with all that it knew, and a new one is opened on the same engine. When its log holds what this release cannot read, the runtime is
 * abandoned and none is opened. The engine is closed where opening fails.
 *
 * @throws ChatError `migration_refused`, `unavailable`, `database_unfit`: its log holds what this release cannot read.
 */
export async function openDatabase(options: DatabaseOptions, context: DatabaseContext) {
  const { engine, bus, log, onLeave = () => {} } = options;
  const { clock, random, limits } = context;
  /** Runtimes whose history has ended, while their sockets are closing. */
  const leaving = new Set<Runtime>();
  /** What was seen of the database, by all runtimes: a history that ends before this is one that went back. */
  const known: KnownHistories = new Map();
  /** Names of histories that have ended. A database that has one of them again was restored once more, and nobody said so. */
  const ended = new Set<string>();
  let current: Runtime;
  let isOpened = false;
  /** What the log holds that this release cannot read: then nothing is served until a newer one is started. */
  let unreadable: string | null = null;
  let isClosed = false;
  /** A new runtime is being opened. */
  let isRenewing = false;
  let opened = 0;
  let renewing: Promise<void> = Promise.resolve();
  let cancelWait = (): void => {};

  const open = (): Promise<Runtime> => {
    const number = ++opened;
    return openRuntime(
      {
        ...{ engine, bus, log, known, onLeave },
        onHistoryChange(change) {
          if (number !== opened || isClosed) return;
          if (change.type === "unreadable") return stopServing(change.found);
          if (change.type === "renamed") log.warn("the database has another history: the sockets are closed", change);
          else log.error("the database went back to before what it had committed: its history gets a new name", change);
          // The history may end before its runtime is open: then whoever opens it goes on from there.
          if (isOpened && !isRenewing) renewing = renew();
        },
      },
      context,
    );
  };

  function stopServing(found: string): void {
    if (unreadable !== null) return;
    unreadable = found;
    log.fatal(
      "the log holds what this release of Tidings cannot read, and nothing is served any more: start a newer release",
      {
        found,
        level: levelMax,
      },
    );
    if (isOpened && !isRenewing) leave(current, tooOld);
  }

  function leave(old: Runtime, reason?: string): void {
    leaving.add(old);
    old
      .abandon(limits.shutdownMs, reason)
      .catch((error: unknown) => log.error("a runtime did not end as it should", { error }))
      .finally(() => leaving.delete(old));
  }

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      cancelWait = () => {
        cancel();
        resolve();
      };
    });

  /** Asks as a writer: what a copy says that lags behind may be long past. */
  async function headNow(): Promise<Cursor> {
    const [[row] = []] = await engine.write([{ sql: selectHead }]);
    return { epoch: String(row?.["epoch"]), n: Number(row?.["n"]) };
  }

  /** Gives a new name to a database that has gone back, under the name of now or under one of before. `left`: the history that was served. */
  async function name(left: string): Promise<void> {
    // What comes meanwhile may be newer than this answer, which then comes after it.
    const before = new Map(known);
    let head = await headNow();
    const n = before.get(head.epoch) ?? 0;
    if (head.n < n) {
      await replaceEpoch(engine, { random, epoch: head.epoch, n });
      // Where it has this name again after this, it was restored once more.
      ended.add(head.epoch);
      head = await headNow();
    }
    const { epoch } = head;
    if (epoch !== left) ended.add(left);
    if (!ended.has(epoch)) return;
    log.error("the database has a history again that had ended: it gets a new name", { epoch });
    await replaceEpoch(engine, { random, epoch, n: Number.MAX_SAFE_INTEGER });
  }

  async function renew(): Promise<void> {
    isRenewing = true;
    leave(current);
    let left = current.epoch;
    for (let attempt = 0; !isClosed && unreadable === null; attempt++) {
      try {
        await name(left);
        const next = await open();
        if (isCurrent(next) && !ended.has(next.epoch)) {
          current = next;
          break;
        }
        leave(next);
        left = next.epoch;
      } catch (error) {
        if (unreadable !== null) break;
        log.error("the new history cannot be served yet", { error });
      }
      await wait(backoffMs(random, { attempt, minMs: againMsMin, maxMs: againMsMax }));
    }
    isRenewing = false;
  }

  // The compiler cannot see that it is set from within.
  const whatIsUnreadable = (): string | null => unreadable;

  const isCurrent = (runtime: Runtime): boolean => runtime.store.isCurrent();

  try {
    await applyMigrations(engine, { ...options, pause: () => nextTurn(clock) });
    current = await open();
    isOpened = true;
    if (whatIsUnreadable() !== null) {
      leave(current, tooOld);
      throw new Error("The log got what cannot be read while it was opened");
    }
    if (!isCurrent(current)) renewing = renew();
  } catch (error) {
    await engine.close();
    const found = whatIsUnreadable();
    if (found === null) throw error;
    throw new ChatError(
      "database_unfit",
      `The database holds what this release of Tidings cannot read (${found}; it reads up to level ${levelMax}): start a newer release`,
      { cause: error },
    );
  }
  let resolveReleased = (): void => {};
  const released = new Promise<void>((resolve) => (resolveReleased = resolve));

  return {
    get store() {
      return current.store;
    },
    get hub() {
      return current.hub;
    },
    /** What the routes use of it. */
    get parts() {
      return current.parts;
    },

    /** Why it is not available; null: it is. */
    trouble: (): Trouble | null => (unreadable === null ? current.store.trouble() : "level"),

    /** For how long nobody who is connected has done anything, in milliseconds. */
    quietMs: (): number => current.hub.quietMs(),

    /** Whether nobody is connected. */
    isEmpty: (): boolean => current.hub.isEmpty() && [...leaving].every(({ hub }) => hub.isEmpty()),

    /** Whether somebody is still to be notified, now or later, or a hook of the host has not had every message yet. Rejects with `unavailable`. */
    isWorking: (): Promise<boolean> => current.isWorking(),

    /**
     * Answers the sends under way, closes the sockets with 1012 in waves, commits what waits and releases the database. Resolves within
     * the time; a store that hangs goes on closing. `reason`: what the sockets are told.
     */
    async close(deadlineMs: number, reason?: string): Promise<void> {
      isClosed = true;
      cancelWait();
      // What opens too late is closed with the database under it.
      await waitAtMost(renewing, { clock, ms: deadlineMs / 4 });
      const { closing } = await current.close((deadlineMs * 3) / 4, reason);
      void closing.finally(resolveReleased);
    },

    /** Resolves once nothing of it is open any more, after `close()`. */
    released,

    counts: () => current.counts(),

    /** Sizes of what is held in memory: 0 once everybody has left. */
    sizes(): Readonly<Record<string, number>> {
      const sizes: Record<string, number> = { ...current.sizes() };
      for (const old of leaving)
        for (const [name, size] of Object.entries(old.sizes())) sizes[name] = Math.max(sizes[name] ?? 0, size);
      return sizes;
    },
  };
}

export type Database = Awaited<ReturnType<typeof openDatabase>>;
