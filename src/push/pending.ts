import type { Clock } from "../internal/clock.ts";
import { type Identity, identityKey } from "../model.ts";
import type { Blocker, Reader } from "../store/push/unacked-store.ts";

/** A user with new messages, the first of them at `n`. Their devices are looked at when it is `dueAt`. */
export type PendingUser = {
  readonly identity: Identity;
  n: number;
  dueAt: number;
  /** How often the user was marked: a mark during a look makes another look necessary. */
  marks: number;
  /** One of the user's devices has no connection: it is notified at once. */
  isAway: boolean;
};

/** A notification that is shown may be over: its user has read it (`cause` is a Reader), or has blocked its sender (a Blocker). */
type Ending<Cause> = { readonly cause: Cause; readonly dueAt: number };
export type Endings<Cause> = Map<string, Ending<Cause>>;

export type PendingOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  /** How long after a read its notifications are looked at. */
  readonly readDelayMs: number;
  /** Called with the time until an entry is due, for each that is added or becomes due earlier. */
  readonly onDueIn: (ms: number) => void;
};

/** Entries of the log that arrive within this time are looked at together. */
const gatherMs = 50;

/** The users and notifications to look at, in memory: users, not messages. */
export function createPending({ clock, readDelayMs, onDueIn }: PendingOptions) {
  const users = new Map<string, PendingUser>();
  const reads: Endings<Reader> = new Map();
  const blocks: Endings<Blocker> = new Map();

  function addEnding<Cause>(endings: Endings<Cause>, key: string, cause: Cause, delayMs: number): void {
    if (endings.has(key)) return;
    endings.set(key, { cause, dueAt: clock.elapsed() + delayMs });
    onDueIn(delayMs);
  }

  return {
    users,
    reads,
    blocks,

    /** Notes that there is a message for a user at `n`. */
    markPending(identity: Identity, n: number): void {
      const key = identityKey(identity);
      const known = users.get(key);
      if (known) known.marks++;
      if (known && !known.isAway) return;
      const dueAt = Math.min(clock.elapsed() + gatherMs, known?.dueAt ?? Infinity);
      if (known) known.dueAt = dueAt;
      else users.set(key, { identity, n, dueAt, marks: 0, isAway: false });
      onDueIn(dueAt - clock.elapsed());
    },

    /** Notes that a user has read a conversation. Devices that get it from the log meanwhile remove their notifications by themselves. */
    noteRead: (reader: Reader): void =>
      addEnding(reads, `${identityKey(reader)} ${reader.conversation}`, reader, readDelayMs),

    noteBlock: (blocker: Blocker): void =>
      addEnding(blocks, `${identityKey(blocker)} ${blocker.other}`, blocker, gatherMs),

    dueUsers(): readonly PendingUser[] {
      const now = clock.elapsed();
      return [...users.values()].filter(({ dueAt }) => dueAt <= now);
    },

    size: (): number => users.size + reads.size + blocks.size,
    sizes: () => ({ recipients: users.size, readers: reads.size, blockers: blocks.size }),

    /** When the next entry is due; Infinity: there is none. */
    nextDueAt(): number {
      let next = Infinity;
      for (const each of users.values()) next = Math.min(next, each.dueAt);
      for (const each of [...reads.values(), ...blocks.values()]) next = Math.min(next, each.dueAt);
      return next;
    },

    /** The position before every entry, if it is before `position`. */
    positionBefore(position: number): number {
      let n = position;
      for (const each of users.values()) n = Math.min(n, each.n - 1);
      for (const { cause } of [...reads.values(), ...blocks.values()]) n = Math.min(n, cause.n - 1);
      return n;
    },
  };
}

export type Pending = ReturnType<typeof createPending>;
