import type { Clock } from "../internal/clock.ts";

/** A clock that cancels its timers when it is closed. Otherwise they would keep a program from ending after it has closed its client. */
export interface OwnedClock extends Clock {
  /** Cancels all timers, and starts no more. */
  close(): void;
}

export function ownClock(clock: Clock): OwnedClock {
  const timers = new Set<() => void>();
  let isClosed = false;
  return {
    now: clock.now,
    elapsed: clock.elapsed,
    defer: clock.defer,
    after(ms, task) {
      if (isClosed) return () => {};
      const cancel = clock.after(ms, () => {
        timers.delete(cancel);
        task();
      });
      timers.add(cancel);
      return () => {
        timers.delete(cancel);
        cancel();
      };
    },
    close() {
      isClosed = true;
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
}
