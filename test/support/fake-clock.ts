import type { Clock } from "../../src/internal/clock.ts";

export type FakeClock = Clock & {
  advance(ms: number): Promise<void>;
  /** Time passes while the process does not run: due timers are late. */
  freeze(ms: number): void;
};

/**
 * A clock that a test moves by hand; deferred tasks still run on the runtime's own turns. After each timer the clock awaits `turn`, so that
 * the timer's work can go on.
 */
export function fakeClock(start = 1_780_000_000_000, turn = (): Promise<void> => Bun.sleep(0)): FakeClock {
  let now = start;
  let timers: { at: number; task: () => void }[] = [];
  return {
    now: () => now,
    elapsed: () => now,
    after(ms, task) {
      const timer = { at: now + ms, task };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    defer: (task) => void setImmediate(task),
    freeze: (ms) => void (now += ms),
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        now = Math.max(now, next.at);
        next.task();
        await turn();
      }
      now = end;
      await turn();
    },
  };
}

/**
 * Moves the clock, step by step, until some work has ended. Returns how long the work took by this clock. Do not pass `expect(…).rejects`:
 * in Bun it blocks until the work has ended, and nothing moves the clock.
 */
export async function passes(clock: FakeClock, work: Promise<unknown>, stepMs = 10): Promise<number> {
  const start = clock.elapsed();
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  done.catch(() => {});
  while (!isDone) await clock.advance(stepMs);
  await done;
  return clock.elapsed() - start;
}

/** Moves a test's clock, if there is one, until some work has ended. */
export async function during<T>(clock: FakeClock | undefined, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  done.catch(() => {});
  for (let i = 0; clock && i < 2_000 && !isDone; i++) await clock.advance(5);
  return await done;
}
