import type { Clock } from "../internal/clock.ts";

/** One timer, set to the earliest of the times that were asked for. */
export function createAlarm(clock: Pick<Clock, "elapsed" | "after">, ring: () => void) {
  let ringsAt = Infinity;
  let cancelTimer = (): void => {};

  return {
    setIn(ms: number): void {
      const at = clock.elapsed() + ms;
      if (at >= ringsAt) return;
      cancelTimer();
      ringsAt = at;
      cancelTimer = clock.after(ms, () => {
        ringsAt = Infinity;
        ring();
      });
    },
    cancel(): void {
      cancelTimer();
      ringsAt = Infinity;
    },
  };
}
