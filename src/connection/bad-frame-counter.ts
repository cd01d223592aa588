import type { Clock } from "../internal/clock.ts";

const minuteMs = 60_000;

/** Counts what a peer did wrong in the last minute. */
export function createBadFrameCounter({
  clock,
  perMinuteMax,
}: {
  readonly clock: Clock;
  readonly perMinuteMax: number;
}) {
  let times: number[] = [];
  return {
    /** True where it was one too many. */
    add(): boolean {
      const now = clock.elapsed();
      times = times.filter((time) => now - time < minuteMs);
      times.push(now);
      return times.length > perMinuteMax;
    },
  };
}
