import type { Clock } from "../internal/clock.ts";
import type { LogPlace } from "../store/log-place.ts";

export type LeaseOptions = {
  readonly store: LogPlace;
  readonly clock: Clock;
  /** A new name for each time that the lease is held: work that is still under way from an earlier time has another name. */
  readonly newName: () => string;
  /** A holder that gave no sign of life for this time loses the lease to the next node. */
  readonly leaseMs: number;
  /** No other process can have the database open, so an earlier holder is gone. */
  readonly isAlone: boolean;
  /** Every entry up to here has been handled: the next holder begins there. */
  readonly position: () => number;
  /** The lease is held from now on, and every entry up to `n` has been handled. */
  readonly onTaken: (n: number) => void;
  readonly onLost: () => void;
  readonly report: (fault: unknown) => void;
};

/** The right to follow the log for a purpose that one node at a time must serve: notifications, a hook of the host. */
export type Lease = {
  /** The name of this node while it holds the lease. Writes that carry it fail once another node holds the lease. */
  holder(): string;
  /** Takes the lease as soon as it is free. */
  start(): void;
  /** Whether this node may act for the purpose now. */
  isHeld(): boolean;
  /** Writes the position now, which is a sign of life too. Rejects with `unavailable`. */
  keep(): Promise<void>;
  /** Another node was seen to hold the lease. */
  lose(): void;
  /** Ends without a write, because the history has ended. */
  abandon(): void;
  /** Ends, writes the position, and leaves the lease to the next node. Rejects with `unavailable`. */
  stop(): Promise<void>;
};

/** Signs of life within one lease. */
const beatsPerLease = 4;
/** A holder that could not renew stops before another may begin. */
const trustedPart = 0.75;

/** `position`: the database knows that every entry up to here was handled. */
type Held = { renewedAt: number; position: number };

/**
 * Clocks of nodes are never compared: a node that waits watches for the time of a lease, by its own clock, whether the holder still gives signs of
 * life. The store checks the holder's name in each transaction of its work, so a holder that was paused cannot write any more.
 */
export function createLease(options: LeaseOptions): Lease {
  const { store, clock, newName, leaseMs, isAlone, onTaken, onLost, report } = options;
  let course: "running" | "stopped" | "abandoned" = "running";
  let holder = newName();
  let held: Held | null = null;
  let seen: { holder: string; beat: number; at: number } | null = null;
  let looking: Promise<void> = Promise.resolve();
  let cancel = (): void => {};

  async function renew(mine: Held): Promise<void> {
    const at = clock.elapsed();
    const position = options.position();
    // On a database of this process alone no other node waits for a sign of life: an idle holder writes nothing.
    const isKept = isAlone && position === mine.position;
    if (!isKept && !(await store.beat(holder, position))) return lose();
    mine.renewedAt = at;
    mine.position = position;
  }

  async function tryToTake(): Promise<void> {
    const at = clock.elapsed();
    const found = await store.worker();
    // The sign of life may have come at any moment of a slow read: its time begins behind it.
    if (seen?.holder !== found.holder || seen.beat !== found.beat) seen = { ...found, at: clock.elapsed() };
    const isFree = isAlone || found.holder === "" || found.holder === holder || at - seen.at >= leaseMs;
    if (!isFree || course !== "running") return;
    const position = await store.take(holder, found);
    if (position === null || isAbandoned()) return;
    // It was stopped meanwhile.
    if (isStopped()) return await store.leave(holder);
    held = { renewedAt: at, position };
    onTaken(position);
  }

  // The compiler cannot see that the course may change across an await.
  const isStopped = (): boolean => course !== "running";
  const isAbandoned = (): boolean => course === "abandoned";

  function lose(): void {
    if (held === null) return;
    held = null;
    holder = newName();
    seen = null;
    onLost();
  }

  async function look(): Promise<void> {
    try {
      await (held === null ? tryToTake() : renew(held));
    } catch (fault) {
      if (!isStopped()) report(fault);
    }
    if (!isStopped()) cancel = clock.after(leaseMs / beatsPerLease, start);
  }

  function start(): void {
    looking = look();
  }

  return {
    holder: () => holder,
    start,
    isHeld: () => held !== null && clock.elapsed() - held.renewedAt < leaseMs * trustedPart,
    async keep() {
      if (held !== null) await renew(held);
    },
    lose,
    abandon() {
      course = "abandoned";
      held = null;
      cancel();
    },
    async stop() {
      if (course === "running") course = "stopped";
      cancel();
      // It may be about to take the lease.
      await looking;
      if (held === null) return;
      held = null;
      await store.beat(holder, options.position());
      await store.leave(holder);
    },
  };
}
