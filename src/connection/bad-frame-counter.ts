import type { Clock } from "../internal/clock.ts";

const minuteMs = 60_000;

/** Counts the bad frames of a peer in the last minute. */
export class BadFrameCounter {
  private readonly clock: Pick<Clock, "elapsed">;
  private times: number[] = [];

  constructor(clock: Pick<Clock, "elapsed">) {
    this.clock = clock;
  }

  /** Counts one more; true: it is more than a minute may have. */
  add(perMinuteMax: number): boolean {
    const now = this.clock.elapsed();
    this.times = this.times.filter((time) => now - time < minuteMs);
    this.times.push(now);
    return this.times.length > perMinuteMax;
  }
}
