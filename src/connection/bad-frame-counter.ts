import type { Clock } from "../internal/clock.ts";

const minuteMs = 60_000;

/** Counts the bad frames of a peer in the last minute. */
export function createBadFrameCounter({
  clock,
  perMinuteMax,
}: {
  readonly clock: Pick<Clock, "elapsed">;
  readonly perMinuteMax: number;
}) {
  let times: number[] = [];
  return {
    /** Counts one more; true: it is more than a minute may have. */
    add(): boolean {
      const now = clock.elapsed();
      times = times.filter((time) => now - time < minuteMs);
      times.push(now);
      return times.length > perMinuteMax;
    },
  };
}
