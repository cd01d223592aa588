import type { Clock } from "../internal/clock.ts";

const minuteMs = 60_000;

/** Counts the bad frames of a peer in the last minute. */
export type BadFrameCounter = {
  /** Counts one more; true: it is more than a minute may have. */
  add(): boolean;
};

export function createBadFrameCounter({
  clock,
  perMinuteMax,
}: {
  readonly clock: Pick<Clock, "elapsed">;
  readonly perMinuteMax: number;
}): BadFrameCounter {
  let times: number[] = [];
  return {
    add() {
      const now = clock.elapsed();
      times = times.filter((time) => now - time < minuteMs);
      times.push(now);
      return times.length > perMinuteMax;
    },
  };
}
