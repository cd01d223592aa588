import type { Clock } from "../../internal/clock.ts";

/**
 * One timer, moved with each call; `Infinity` stops it. `onDue` gets by how much it was late. A clock that does not run while the device sleeps would hide
 * that it did, so both are read.
 */
export function createTimer(clock: Clock, onDue: (lateMs: number) => void): (at: number) => void {
  let due = Infinity;
  let cancel = (): void => {};
  return (at) => {
    if (at === due) return;
    cancel();
    due = at;
    if (at === Infinity) return;
    const ms = Math.max(0, at - clock.elapsed());
    const wallDue = clock.now() + ms;
    cancel = clock.after(ms, () => {
      due = Infinity;
      onDue(Math.max(clock.elapsed() - at, clock.now() - wallDue));
    });
  };
}
