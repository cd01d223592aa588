import type { Clock } from "../internal/clock.ts";
import type { LogPlace } from "../store/log-place.ts";

export type LeaseOptions = {
  readonly store: LogPlace;
  readonly clock: Clock;
  /** Another one for each time that the place is ours: what is still under way from before is that of somebody else. */
  readonly newName: () => string;
  /** A holder of whom nothing was seen for so long is taken over from. */
  readonly leaseMs: number;
  /** Nobody else can have the database open: whoever has the place is gone. */
  readonly isAlone: boolean;
  /** Up to where everything was looked at: where the next holder goes on. */
  readonly position: () => number;
  /** The place is ours, and everything up to `n` was looked at. */
  readonly onTaken: (n: number) => void;
  readonly onLost: () => void;
  readonly report: (fault: unknown) => void;
};

/** Signs of life within one lease. */
const beatsPerLease = 4;
/** A holder that could not renew stops before another may begin. */
const trustedPart = 0.75;

/**
 * Which of several nodes follows the log, for a purpose that must be served once: notifications, a hook of the host. Nobody's clock is compared with another's: whoever waits watches for as long as a lease lasts, by
 * its own clock, whether the holder still gives signs of life. What the holder writes is fenced by its name in the same transaction, so that
 * one that was paused writes nothing more.
 */
export function createLease(options: LeaseOptions) {
  const { store, clock, newName, leaseMs, isAlone, position, onTaken, onLost, report } = options;
  let holder = newName();
  let isTaken = false;
  let renewedAt = 0;
  /** Up to where the database knows that everything was looked at. */
  let keptPosition = 0;
  let seen: { holder: string; beat: number; at: number } | null = null;
  let isStopped = false;
  /** The history has ended: nothing more is written. */
  let isAbandoned = false;
  let looking: Promise<void> = Promise.resolve();
  let cancel = (): void => {};

  async function renew(): Promise<void> {
    const at = clock.elapsed();
    const reached = position();
    // Nobody waits for a sign of life on a database that is ours alone: while nothing happens nothing is written.
    const isKept = isAlone && reached === keptPosition;
    if (!isKept && !(await store.beat(holder, reached))) return lose();
    renewedAt = at;
    keptPosition = reached;
  }

  async function tryToTake(): Promise<void> {
    const at = clock.elapsed();
    const found = await store.worker();
    if (seen?.holder !== found.holder || seen.beat !== found.beat) seen = { ...found, at };
    const isFree = isAlone || found.holder === "" || found.holder === holder || at - seen.at >= leaseMs;
    if (!isFree || isStopped) return;
    const n = await store.take(holder, found);
    if (n === null || isAbandoned) return;
    // It was stopped meanwhile, and does nothing under this place any more.
    if (isStopped) return await store.leave(holder);
    isTaken = true;
    renewedAt = at;
    keptPosition = n;
    onTaken(n);
  }

  function lose(): void {
    if (!isTaken) return;
    isTaken = false;
    holder = newName();
    seen = null;
    onLost();
  }

  async function look(): Promise<void> {
    try {
      await (isTaken ? renew() : tryToTake());
    } catch (fault) {
      if (!isStopped) report(fault);
    }
    if (!isStopped) cancel = clock.after(leaseMs / beatsPerLease, lookOn);
  }

  function lookOn(): void {
    looking = look();
  }

  return {
    /** Who we are, as long as the place is ours. */
    holder: (): string => holder,
    start: lookOn,
    /** Whether this node may send now. */
    isHeld: (): boolean => isTaken && clock.elapsed() - renewedAt < leaseMs * trustedPart,
    /** Writes now how far we have got, and gives a sign of life with it. Rejects with `unavailable`. */
    async keep(): Promise<void> {
      if (isTaken) await renew();
    },
    /** Somebody else was seen to have the place. */
    lose,
    /** It is nobody's any more, for the history that it belonged to has ended. */
    abandon(): void {
      isStopped = true;
      isAbandoned = true;
      isTaken = false;
      cancel();
    },
    /** Gives the place to whoever wants it. */
    async stop(): Promise<void> {
      isStopped = true;
      cancel();
      // A look that is under way may be taking the place just now.
      await looking;
      if (!isTaken) return;
      isTaken = false;
      await store.beat(holder, position());
      await store.leave(holder);
    },
  };
}

export type Lease = ReturnType<typeof createLease>;
