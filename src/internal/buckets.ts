import type { Clock } from "./clock.ts";

/** How much at once, and how much a second after that. */
export type Rate = { readonly burst: number; readonly perS: number };

type Bucket = { tokens: number; at: number };

/** Below this many names nothing is swept. */
const sweepNamesMin = 1_024;

/**
 * Token buckets by name. A bucket that is full again is as good as none, and is forgotten: what is kept is bounded by who took
 * something in the last `burst / perS` seconds.
 */
export function createBuckets({ burst, perS }: Rate, clock: Clock) {
  const buckets = new Map<string, Bucket>();
  let sweepAt = sweepNamesMin;

  /** What is in a bucket now; one that nobody knows is full. */
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
    /**
     * 0 where it was taken; else nothing was, and it is how many milliseconds until there is enough. What is more than a whole bucket is
     * taken from a full one, which then is in debt.
     */
    take(name: string, count = 1): number {
      const bucket = open(name);
      const needed = Math.min(count, burst);
      if (bucket.tokens < needed) return msFor(needed - bucket.tokens);
      bucket.tokens -= count;
      return 0;
    },
    /**
     * Takes it in any case, but for what would make the debt longer than `msMax`: 0 where there was enough, else how many milliseconds, of
     * `msMax` at most, until what is missing has come.
     */
    spend(name: string, count: number, msMax = Number.POSITIVE_INFINITY): number {
      const bucket = open(name);
      const least = Math.min(bucket.tokens, (-perS * msMax) / 1_000);
      bucket.tokens = Math.max(bucket.tokens - count, least);
      return bucket.tokens >= 0 ? 0 : Math.min(msFor(-bucket.tokens), msMax);
    },
    /** Gives back what was taken for something that then was refused elsewhere. */
    giveBack(name: string, count = 1): void {
      const bucket = buckets.get(name);
      if (bucket) bucket.tokens = Math.min(burst, bucket.tokens + count);
    },
    size: (): number => buckets.size,
  };
}

export type Buckets = ReturnType<typeof createBuckets>;
