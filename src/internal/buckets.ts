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

  const filled = ({ tokens, at }: Bucket, now: number): number => Math.min(burst, tokens + ((now - at) / 1_000) * perS);

  function sweep(now: number): void {
    for (const [name, bucket] of buckets) if (filled(bucket, now) >= burst) buckets.delete(name);
    sweepAt = Math.max(sweepNamesMin, 2 * buckets.size);
  }

  return {
    /** 0 where it was taken; else nothing was, and it is how many milliseconds until there is enough. */
    take(name: string, count = 1): number {
      const now = clock.elapsed();
      const bucket = buckets.get(name);
      if (!bucket) {
        if (buckets.size >= sweepAt) sweep(now);
        if (count > burst) return (1_000 * (count - burst)) / perS;
        buckets.set(name, { tokens: burst - count, at: now });
        return 0;
      }
      const tokens = filled(bucket, now);
      bucket.at = now;
      bucket.tokens = tokens >= count ? tokens - count : tokens;
      return tokens >= count ? 0 : (1_000 * (count - tokens)) / perS;
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
