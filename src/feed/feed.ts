import type { Clock } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";
import type { LogEntry } from "../model.ts";
import type { Commit, Store } from "../store/store.ts";
import type { CommitNotices } from "./commit-notices.ts";

/** Takes a stretch of the log: every entry after the last stretch and up to `upTo`, in the order of n. */
export type FeedListener = (entries: readonly LogEntry[], upTo: number) => void;

export type FeedOptions = {
  readonly store: Pick<Store, "head" | "log" | "onCommit" | "settled" | "cannotRead">;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The other nodes on the same database, where there are any. */
  readonly hints?: CommitNotices | undefined;
  /** From −0.5 to 0.5, of the time between two polls; default: none. */
  readonly jitter?: () => number;
};

/** How long what is missing may take to come by itself, before the store is asked for it. */
const earlyMs = 30;
const earlyMax = 64;
/** How commits came. */
export type FeedCounts = { readonly applied: number; readonly read: number };

/** Entries read from the store at a time when commits were missed. */
const stretchEntriesMax = 1_000;

/**
 * The log's tail, for as long as the database has one history. A commit that follows on the position is applied as it comes, whoever made it; behind any gap (a
 * commit whose answer was lost, another node, a restart) the store is read until the position is the head again. The head
 * is polled too, so that a commit nobody announced costs latency, never data.
 */
export function createFeed({ store, clock, limits, hints, jitter = () => 0 }: FeedOptions) {
  const listeners: FeedListener[] = [];
  let position = 0;
  let epoch = "";
  let isStarted = false;
  let isStopped = false;
  let filling: Promise<void> | null = null;
  let wanted = 0;
  let entriesMax = stretchEntriesMax;
  let cancelPoll = (): void => {};
  /** Commits that came before their turn, by where they follow on. */
  const early = new Map<number, Commit>();
  let cancelEarly: (() => void) | null = null;
  let applied = 0;
  let read = 0;

  function announce(entries: readonly LogEntry[], upTo: number): void {
    position = upTo;
    for (const listener of listeners) listener(entries, upTo);
  }

  function apply(commit: Commit): void {
    if (!isStarted || commit.to <= position) return;
    if (commit.from === position && !filling) {
      applyNext(commit);
      applyEarly();
    } else if (commit.from >= position && early.size < earlyMax) keepEarly(commit);
    else fillUpTo(commit.to);
  }

  function applyNext({ entries, to }: Commit): void {
    applied++;
    announce(entries, to);
  }

  /** What came before its turn, as commits of several nodes do, waits a moment for what goes before it. */
  function keepEarly(commit: Commit): void {
    early.set(commit.from, commit);
    cancelEarly ??= clock.after(earlyMs, () => {
      cancelEarly = null;
      const to = Math.max(position, ...Array.from(early.values(), (each) => each.to));
      early.clear();
      if (to > position && !isStopped) fillUpTo(to);
    });
  }

  /** Applies what follows on the position, and forgets what is behind it. */
  function applyEarly(): void {
    for (let next = early.get(position); next && next.to > position; next = early.get(position)) {
      early.delete(next.from);
      applyNext(next);
    }
    for (const { from, to } of early.values()) if (to <= position) early.delete(from);
    if (early.size > 0) return;
    cancelEarly?.();
    cancelEarly = null;
  }

  function fillUpTo(n: number): void {
    wanted = Math.max(wanted, n);
    filling ??= fill().then((isWhole) => {
      filling = null;
      applyEarly();
      // A commit may have landed between the last look and here.
      if (isWhole && position < wanted && !isStopped) fillUpTo(wanted);
    });
  }

  /** False where the store did not answer, or had nothing new. */
  async function fill(): Promise<boolean> {
    try {
      while (position < wanted && !isStopped) {
        read++;
        const stretch = await store.log(position, entriesMax);
        // A read may see a commit of ours before its senders were answered: `accepted` goes first.
        await store.settled();
        if (stretch.upTo <= position) return false;
        entriesMax = Math.min(stretchEntriesMax, entriesMax * 2);
        announce(stretch.entries, stretch.upTo);
        await new Promise<void>((resolve) => clock.defer(resolve));
      }
      return true;
    } catch {
      // The store is away, or the stretch was more than it answers at once: the next poll asks for less of the same gap.
      entriesMax = Math.max(1, Math.floor(entriesMax / 4));
      return false;
    }
  }

  async function poll(): Promise<void> {
    try {
      const head = await store.head();
      if (head.n > position) fillUpTo(head.n);
    } catch {
      // The store is away, or has another history: it says so itself.
    }
    if (!isStopped) startPoll();
  }

  /** With jitter, so that the nodes do not all ask at once. */
  function startPoll(): void {
    cancelPoll();
    cancelPoll = clock.after(limits.headPollMs * (1 + jitter()), () => void poll());
  }

  store.onCommit((commit) => {
    if (isStopped) return;
    apply(commit);
    // Who asked for a message is known here alone.
    hints?.announce({ ...commit, epoch, entries: commit.entries.map(({ origin: _, ...entry }) => entry) });
  });
  // Whatever was missed is in the store; the poll would find it too, a little later.
  hints?.onGap(() => {
    if (!isStarted || isStopped) return;
    cancelPoll();
    void poll();
  });
  hints?.onUnknown((kind) => {
    if (!isStopped) store.cannotRead(`kind ${JSON.stringify(kind)}`);
  });
  hints?.onHint(({ from, to, entries, epoch: history }) => {
    if (!isStarted || isStopped || history !== epoch) return;
    if (entries) apply({ from, to, entries });
    else if (to > position) fillUpTo(to);
  });

  return {
    /** Takes the head as the position and follows from there. Rejects with `unavailable`. */
    async start(): Promise<void> {
      const head = await store.head();
      epoch = head.epoch;
      position = head.n;
      hints?.follow(epoch);
      isStarted = true;
      startPoll();
    },
    onEntries(listener: FeedListener): void {
      listeners.push(listener);
    },
    position: (): number => position,
    /** How often a commit was applied as it came, and how often the store was read. */
    counts: (): FeedCounts => ({ applied, read }),
    /** The history that is followed. */
    epoch: (): string => epoch,
    stop(): void {
      isStopped = true;
      cancelPoll();
      cancelEarly?.();
      hints?.stop();
    },
  };
}

export type Feed = ReturnType<typeof createFeed>;
