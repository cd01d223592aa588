import type { Clock } from "../../../src/internal/clock.ts";
import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";

/** The start of every node's clock, in milliseconds since the Unix epoch. */
export const startTime = 1_780_000_000_000;

/** The errors of a process's clock: its offset, and how late its timers are. */
export type Watch = { readonly skewMs: number; readonly lateMs: number };

/** One operating-system process: it may be paused, its clock may jump, and it dies once. */
export function createProcess(timeline: Timeline, chance: Chance, { skewMs, lateMs }: Watch) {
  let isDead = false;
  let isPaused = false;
  let skew = skewMs;
  let missed: (() => void)[] = [];

  /** Runs an event of the process: at once, after its pause, or never. */
  function run(task: () => void): void {
    if (isDead) return;
    if (isPaused) missed.push(task);
    else task();
  }

  /** A timer may be late, and early by the millisecond that runtimes round away. */
  const drift = (ms: number): number => (lateMs === 0 || ms === 0 ? 0 : chance.unit() * lateMs - 1);

  const clock: Clock = {
    now: () => startTime + Math.floor(timeline.now()) + skew,
    elapsed: () => timeline.now(),
    after(ms, task) {
      let isCancelled = false;
      const cancel = timeline.after(ms + drift(ms), () => run(() => !isCancelled && task()));
      return () => {
        isCancelled = true;
        cancel();
      };
    },
    defer: (task) => void timeline.after(0, () => run(task)),
  };

  return {
    clock,
    run,
    isDead: (): boolean => isDead,
    isRunning: (): boolean => !isDead && !isPaused,
    pause: (): void => void (isPaused = true),
    /** Continues with everything that came meanwhile, in order. */
    resume(): void {
      if (!isPaused) return;
      isPaused = false;
      const tasks = missed;
      missed = [];
      for (const task of tasks) void timeline.after(0, () => run(task));
    },
    jump: (ms: number): void => void (skew += ms),
    kill(): void {
      isDead = true;
      missed = [];
    },
  };
}

export type SimProcess = ReturnType<typeof createProcess>;
