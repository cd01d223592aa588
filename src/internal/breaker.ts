import { backoffMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export type BreakerOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  readonly random: Pick<Random, "integer">;
  /** So many failures in a row, and nothing else, say that the other side is down. */
  readonly failuresMax: number;
  /** For how long nothing is asked, at first and at most. */
  readonly openMsMin: number;
  readonly openMsMax: number;
};

/** Who asks for more is asked again all the same: it may have been wrong. */
const askedMsMax = 300_000;

/**
 * Keeps from asking somebody who is down: after failures in a row nothing is asked for a while, then one request at a time, until one
 * is answered. The while doubles, with jitter, so that all who wait do not come back at once.
 */
export function createBreaker({ clock, random, failuresMax, openMsMin, openMsMax }: BreakerOptions) {
  let failures = 0;
  let opened = 0;
  let until = 0;
  let asked = 0;

  return {
    /** How many requests may be under way now. */
    allows(most: number): number {
      if (failures < failuresMax) return most;
      return clock.elapsed() < until ? 0 : 1;
    },
    answered(): void {
      failures = 0;
      opened = 0;
      until = 0;
      asked = 0;
    },
    /** `afterMs`: the other side said so. */
    failed(afterMs = 0): void {
      failures++;
      const [now, named] = [clock.elapsed(), Math.min(afterMs, askedMsMax)];
      // What was under way already when it opened says nothing new, but for a time that it names.
      if (now < until) return void (until = Math.max(until, now + named));
      asked = Math.max(asked, named);
      if (failures < failuresMax) return;
      const ms = backoffMs(random, { attempt: opened, minMs: openMsMin, maxMs: openMsMax });
      until = now + Math.max(ms, asked);
      opened++;
      asked = 0;
    },
  };
}

export type Breaker = ReturnType<typeof createBreaker>;
