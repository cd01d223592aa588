import type { Clock } from "./clock.ts";

export type SparingOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  /** At most one report in this time. */
  readonly everyMs: number;
  /** `leftOut`: how many others came since the report before this one. */
  readonly report: (fault: unknown, leftOut: number) => void;
};

/** Reports the first of many faults, and then at most one in `everyMs`, with the number of those that were left out. */
export function createSparing({ clock, everyMs, report }: SparingOptions): (fault: unknown) => void {
  let reportedAt = -Infinity;
  let leftOut = 0;

  return (fault) => {
    const now = clock.elapsed();
    if (now - reportedAt < everyMs) return void leftOut++;
    const others = leftOut;
    [reportedAt, leftOut] = [now, 0];
    report(fault, others);
  };
}
