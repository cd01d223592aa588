import type { Clock } from "../internal/clock.ts";

type Sample = { readonly at: number; readonly n: number };

/**
 * How old a place of the log is in time that passed: a wall clock may be set, and the messages' own times with it. Places are noted as
 * they are reached, a few times a second, for as long as anybody asks.
 */
export function createLogAge(clock: Clock, { stepMs, keptMs }: { readonly stepMs: number; readonly keptMs: number }) {
  let samples: Sample[] = [];

  return {
    /** The log has reached this place. */
    note(n: number): void {
      const at = clock.elapsed();
      const last = samples[samples.length - 1];
      if (last && n <= last.n) return;
      // All within one step count as its end: no place is taken for older than it is.
      const end = Math.ceil(at / stepMs) * stepMs;
      if (last?.at === end) samples[samples.length - 1] = { at: end, n };
      else samples.push({ at: end, n });
      const young = samples.findIndex((sample) => at - sample.at < keptMs);
      // The newest of the old ones stays: what was there before it is as old, or older.
      if (young > 1) samples = samples.slice(young - 1);
    },
    /** The newest place that has been there for so long; 0: none. */
    reached(ageMs: number): number {
      if (ageMs <= 0) return samples[samples.length - 1]?.n ?? 0;
      const before = clock.elapsed() - ageMs;
      return samples.findLast(({ at }) => at <= before)?.n ?? 0;
    },
    /** For how long a place has been there; 0: it is new. */
    of(n: number): number {
      const sample = samples.find((each) => each.n >= n);
      return sample ? Math.max(0, clock.elapsed() - sample.at) : 0;
    },
    size: (): number => samples.length,
  };
}

export type LogAge = ReturnType<typeof createLogAge>;
