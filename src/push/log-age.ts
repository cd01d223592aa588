import type { Clock } from "../internal/clock.ts";

type Sample = { readonly at: number; readonly n: number };

/**
 * The age of log positions in elapsed time: a wall clock may be set, and the times of messages with it. Positions are noted when the log reaches them, in
 * steps of `stepMs`, and kept for `keptMs`.
 */
export function createLogAge(clock: Clock, { stepMs, keptMs }: { readonly stepMs: number; readonly keptMs: number }) {
  let samples: Sample[] = [];

  return {
    /** The log has reached this position. */
    note(n: number): void {
      const at = clock.elapsed();
      const last = samples[samples.length - 1];
      if (last && n <= last.n) return;
      // All positions of a step count as of its end: none is taken for older than it is.
      const end = Math.ceil(at / stepMs) * stepMs;
      if (last?.at === end) samples[samples.length - 1] = { at: end, n };
      else samples.push({ at: end, n });
      const young = samples.findIndex((sample) => at - sample.at < keptMs);
      // The newest old one stays: all positions before it are at least as old.
      if (young > 1) samples = samples.slice(young - 1);
    },
    /** The newest position of at least this age; 0: none. */
    reached(ageMs: number): number {
      if (ageMs <= 0) return samples[samples.length - 1]?.n ?? 0;
      const before = clock.elapsed() - ageMs;
      return samples.findLast(({ at }) => at <= before)?.n ?? 0;
    },
    /** The age of a position in milliseconds; 0: it is new. */
    of(n: number): number {
      const sample = samples.find((each) => each.n >= n);
      return sample ? Math.max(0, clock.elapsed() - sample.at) : 0;
    },
  };
}

export type LogAge = ReturnType<typeof createLogAge>;
