import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";

export type BreakerOptions = { readonly clock: Clock; readonly random: Pick<Random, "integer"> };

/** So many failures in a row, and nothing else, say that a provider is down: one that fails half the time has that once in 4 000 000 000 requests. */
const failuresMax = 32;
const openMsMin = 1_000;
const openMsMax = 60_000;
/** A provider that asks for more is asked again all the same: it may have been wrong. */
const askedMsMax = 300_000;

/** From 0 to 1. */
export const chance = (random: Pick<Random, "integer">): number => random.integer() / 2 ** 52;

/**
 * Keeps from asking a provider that is down: after failures in a row nothing is sent for a while, then one request at a time, until one
 * is answered. The while doubles, with jitter, so that the providers' other customers do not all come back at once.
 */
export function createBreaker({ clock, random }: BreakerOptions) {
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
    /** How long nothing is sent. */
    waitMs: (): number => (failures < failuresMax ? 0 : Math.max(0, until - clock.elapsed())),
    answered(): void {
      failures = 0;
      opened = 0;
      until = 0;
      asked = 0;
    },
    /** `afterMs`: the provider said so. */
    failed(afterMs = 0): void {
      failures++;
      const [now, named] = [clock.elapsed(), Math.min(afterMs, askedMsMax)];
      // What was under way already when it opened says nothing new, but for a time that it names.
      if (now < until) return void (until = Math.max(until, now + named));
      asked = Math.max(asked, named);
      if (failures < failuresMax) return;
      const ms = Math.min(openMsMax, openMsMin * 2 ** Math.min(opened, 10)) * (0.5 + chance(random) / 2);
      until = now + Math.max(ms, asked);
      opened++;
      asked = 0;
    },
  };
}

export type Breaker = ReturnType<typeof createBreaker>;
