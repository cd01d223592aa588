import { backoffMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export type BreakerOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  readonly random: Pick<Random, "integer">;
  /** This many failures in a row mean that the other side is down. */
  readonly failuresMax: number;
  /** How long no request is made: at first, and at most. */
  readonly openMsMin: number;
  readonly openMsMax: number;
};

/** A longer pause that the other side asks for is cut to this: it may be wrong. */
const askedMsMax = 300_000;

/**
 * A circuit breaker: after failures in a row no request is made for a while, then one at a time, until one is answered. The while doubles, with
 * jitter, so that not all callers come back at once.
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
      // A request that was under way when the breaker opened adds only the pause that its answer asks for.
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
