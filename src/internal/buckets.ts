import type { Clock } from "./clock.ts";

/** Tokens of a full bucket, and tokens that it gains each second. */
export type Rate = { readonly burst: number; readonly perS: number };

type Bucket = { tokens: number; at: number };

/**
 * Token buckets by name. A full bucket is the same as none, and is forgotten: only names that took tokens in the last `burst / perS` seconds use
 * memory.
 */
export interface Buckets {
  /**
   * Takes tokens (default: 1) and answers 0; or takes none, and answers in how many milliseconds there will be enough. More than a whole bucket
   * is taken from a full one, which is then in debt.
   */
  take(name: string, count?: number): number;
  /**
   * Takes tokens in any case, except those that would make the debt last longer than `msMax`. Answers 0 where there were enough, else in how many
   * milliseconds, at most `msMax`, the missing ones will be there.
   */
  spend(name: string, count: number, msMax?: number): number;
  /** Returns tokens (default: 1) that were taken for an action that was then refused elsewhere. */
  giveBack(name: string, count?: number): void;
  /** The number of buckets that are not full. */
  size(): number;
}

/** Below this many names nothing is swept. */
const sweepNamesMin = 1_024;

export function createBuckets({ burst, perS }: Rate, clock: Clock): Buckets {
  const buckets = new Map<string, Bucket>();
  let sweepAt = sweepNamesMin;

  /** A bucket, filled up to now; an unknown one is full. */
  function open(name: string): Bucket {
    const now = clock.elapsed();
    let bucket = buckets.get(name);
    if (!bucket) {
      if (buckets.size >= sweepAt) sweep(now);
      bucket = { tokens: burst, at: now };
      buckets.set(name, bucket);
    }
    bucket.tokens = filled(bucket, now);
    bucket.at = now;
    return bucket;
  }

  const msFor = (tokens: number): number => (1_000 * tokens) / perS;

  const filled = ({ tokens, at }: Bucket, now: number): number => Math.min(burst, tokens + ((now - at) / 1_000) * perS);

  function sweep(now: number): void {
    for (const [name, bucket] of buckets) if (filled(bucket, now) >= burst) buckets.delete(name);
    sweepAt = Math.max(sweepNamesMin, 2 * buckets.size);
  }

  return {
    take(name, count = 1) {
      const bucket = open(name);
      const needed = Math.min(count, burst);
      if (bucket.tokens < needed) return msFor(needed - bucket.tokens);
      bucket.tokens -= count;
      return 0;
    },
    spend(name, count, msMax = Number.POSITIVE_INFINITY) {
      const bucket = open(name);
      const least = Math.min(bucket.tokens, (-perS * msMax) / 1_000);
      bucket.tokens = Math.max(bucket.tokens - count, least);
      return bucket.tokens >= 0 ? 0 : Math.min(msFor(-bucket.tokens), msMax);
    },
    giveBack(name, count = 1) {
      const bucket = buckets.get(name);
      if (bucket) bucket.tokens = Math.min(burst, bucket.tokens + count);
    },
    size: (): number => buckets.size,
  };
}
