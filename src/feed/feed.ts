import { type Clock, nextTurn } from "../internal/clock.ts";
import type { Identity, LogEntry } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Commit, Store } from "../store/store.ts";
import type { CommitNotice, CommitNotices } from "./commit-notices.ts";
import { createEarlyCommits } from "./early-commits.ts";
import { withoutHalfChange } from "./group-changes.ts";

/**
 * Takes a stretch of the log: the entries after the last stretch and up to `upTo`, in the order of n. Where nodes divide the log, only those that this node
 * needs are certain to be among them.
 */
export type FeedListener = (entries: readonly LogEntry[], upTo: number) => void;

export type FeedOptions = {
  readonly store: Pick<Store, "head" | "log" | "onCommit" | "settled" | "cannotRead">;
  readonly clock: Clock;
  readonly limits: Limits;
  /** From and to the other nodes on the same database; absent: there are none. */
  readonly notices?: CommitNotices | undefined;
  /** From −0.5 to 0.5, of the time between two polls; default: none. */
  readonly jitter?: () => number;
};

/** The number of commits that were applied as they came, and the number of reads of the store. */
export type FeedCounts = { readonly applied: number; readonly read: number };

/** The log as it grows, for as long as the database has one history. */
export type Feed = {
  /** Begins at the head, and follows the log from there. Rejects with `unavailable`. */
  start(): Promise<void>;
  /** Calls `listener` with each stretch of the log, after the listeners that were added before it. It must not throw. */
  onEntries(listener: FeedListener): void;
  /** Every entry up to here has been passed to the listeners. */
  position(): number;
  counts(): FeedCounts;
  /** The name of the history that is followed. */
  epoch(): string;
  /** This node needs the entries of a user from now on. Those that the feed has passed may be missing: they are in the store. */
  need(identity: Identity): void;
  /** This node no longer needs the entries of a user. */
  release(identity: Identity): void;
  /** This node needs the entries of all users from now on; returns how to end that. */
  needAll(): () => void;
  /** While this is true, the other nodes get only the entries that they need. */
  divideWhile(isDivided: () => boolean): void;
  /** Ends it: only a read that is under way may still reach the listeners. */
  stop(): void;
};

/** A commit of this node or another one. */
type Came = Commit & Pick<CommitNotice, "isStillWhole">;

/** Entries read from the store at a time when commits were missed. */
const stretchEntriesMax = 1_000;

/**
 * A commit that follows the position is applied as it comes, from any node. After a gap (a commit with a lost answer, another node, a restart)
 * the store is read until the position is the head again. The head is polled too, so that a commit without a notice costs latency, never data.
 */
export function createFeed({ store, clock, limits, notices, jitter = () => 0 }: FeedOptions): Feed {
  const listeners: FeedListener[] = [];
  let state: "new" | "following" | "stopped" = "new";
  let position = 0;
  let epoch = "";
  let filling: Promise<void> | null = null;
  let wanted = 0;
  let entriesMax = stretchEntriesMax;
  const counts = { applied: 0, read: 0 };
  const early = createEarlyCommits<Came>(clock, fillUpTo);

  const isFollowing = (): boolean => state === "following";

  function announce(entries: readonly LogEntry[], upTo: number): void {
    position = upTo;
    for (const listener of listeners) listener(entries, upTo);
  }

  function apply(commit: Came): void {
    if (!isFollowing() || commit.to <= position) return;
    if (commit.from === position && !filling) applyFrom(commit);
    else if (commit.from < position || !early.add(commit)) fillUpTo(commit.to);
  }

  /** Applies a commit that follows the position, and the early ones behind it. */
  function applyFrom(first: Came | null): void {
    for (let next = first; next; next = early.takeNext(position)) {
      // A user came while it waited, and it lacks their entries.
      if (next.isStillWhole?.() === false) return fillUpTo(next.to);
      counts.applied++;
      announce(next.entries, next.to);
    }
  }

  /** Reads the log up to a position, once at a time. */
  function fillUpTo(n: number): void {
    if (n <= position || !isFollowing()) return;
    wanted = Math.max(wanted, n);
    filling ??= fill().then((isWhole) => {
      filling = null;
      applyFrom(early.takeNext(position));
      // A commit may have arrived since the last read.
      if (isWhole) fillUpTo(wanted);
    });
  }

  /** False where the store did not answer, or had nothing new. */
  async function fill(): Promise<boolean> {
    try {
      while (position < wanted && isFollowing()) {
        counts.read++;
        const stretch = await store.log(position, entriesMax);
        // The read may contain a commit of this node before its senders got their answers: `accepted` goes first.
        await store.settled();
        if (stretch.upTo <= position) return false;
        const { entries, upTo } = withoutHalfChange(stretch);
        // Where it is less than one change, the next read is longer.
        entriesMax = Math.min(upTo > position ? stretchEntriesMax : Infinity, entriesMax * 2);
        if (upTo > position) announce(entries, upTo);
        await nextTurn(clock);
      }
      return true;
    } catch {
      // The store is away, or the stretch is larger than it answers at once: the next poll asks for less of the same gap.
      entriesMax = Math.max(1, Math.floor(entriesMax / 4));
      return false;
    }
  }

  const poll = createPoll({
    ...{ clock, jitter, everyMs: limits.headPollMs },
    async look() {
      if (!isFollowing()) return false;
      try {
        fillUpTo((await store.head()).n);
      } catch {
        // The store is away, or has another history: it reports that itself.
      }
      return isFollowing();
    },
  });

  store.onCommit((commit) => {
    if (state === "stopped") return;
    apply(commit);
    // The connection that sent a message means nothing on other nodes.
    notices?.announce({ ...commit, epoch, entries: commit.entries.map(({ origin: _, ...entry }) => entry) });
  });
  // The poll would find the missed commits too, a little later.
  notices?.onGap(poll.now);
  notices?.onUnknown((kind) => {
    if (state !== "stopped") store.cannotRead(`kind ${JSON.stringify(kind)}`);
  });
  notices?.onNotice(({ from, to, entries, isStillWhole, epoch: history }) => {
    if (!isFollowing() || history !== epoch) return;
    if (entries) apply({ from, to, entries, ...(isStillWhole && { isStillWhole }) });
    else fillUpTo(to);
  });

  return {
    async start() {
      ({ epoch, n: position } = await store.head());
      if (state === "stopped") return;
      notices?.follow(epoch, () => position);
      state = "following";
      poll.start();
    },
    onEntries: (listener) => void listeners.push(listener),
    position: () => position,
    counts: () => ({ ...counts }),
    epoch: () => epoch,
    ...createNeeds(notices),
    stop() {
      state = "stopped";
      poll.stop();
      early.stop();
      notices?.stop();
    },
  };
}

/** What a node needs of the log. Without other nodes it has all. */
const createNeeds = (
  notices: CommitNotices | undefined,
): Pick<Feed, "need" | "release" | "needAll" | "divideWhile"> => ({
  need: (identity) => notices?.audiences.add(identity),
  release: (identity) => notices?.audiences.remove(identity),
  needAll: () => notices?.audiences.addAll() ?? (() => {}),
  divideWhile: (isDivided) => notices?.divideWhile(isDivided),
});

type PollOptions = {
  readonly clock: Clock;
  readonly everyMs: number;
  /** From −0.5 to 0.5, of the time between two polls, so that the nodes do not all ask at once. */
  readonly jitter: () => number;
  /** Reads the head; false: never again. */
  readonly look: () => Promise<boolean>;
};

function createPoll({ clock, everyMs, jitter, look }: PollOptions) {
  let cancel = (): void => {};

  function start(): void {
    cancel();
    cancel = clock.after(everyMs * (1 + jitter()), now);
  }

  function now(): void {
    cancel();
    void look().then((isGoingOn) => isGoingOn && start());
  }

  return { start, now, stop: () => cancel() };
}
