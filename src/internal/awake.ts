import type { Clock } from "./clock.ts";

/**
 * A clock that leaves out the time in which this process did not run: a suspended virtual machine, `docker pause`, SIGSTOP. Deadlines of
 * others must not count such time, for whatever they sent meanwhile has not been read yet.
 *
 * It must be read regularly. At most `lookMsMax` count between two reads, so that a process that is slow, and not frozen, still reaches its
 * deadlines.
 */
export function createAwakeClock(clock: Clock, lookMsMax: number): Clock {
  let lookedAt = clock.elapsed();
  let lostMs = 0;

  function elapsed(): number {
    const now = clock.elapsed();
    lostMs += Math.max(0, now - lookedAt - lookMsMax);
    lookedAt = now;
    return now - lostMs;
  }

  /** A timer that fires after a freeze waits again for the time that was lost by it. */
  function after(ms: number, task: () => void): () => void {
    const lostBefore = lostMs;
    let cancel = clock.after(ms, () => {
      elapsed();
      const lost = lostMs - lostBefore;
      if (lost > 0) cancel = after(Math.min(ms, lost), task);
      else task();
    });
    return () => cancel();
  }

  return { ...clock, elapsed, after };
}
