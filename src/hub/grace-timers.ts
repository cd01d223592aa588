import { connectionsAtOnce } from "./in-turns.ts";
import type { Clock } from "../internal/clock.ts";

export type GraceTimersOptions<Item> = {
  readonly clock: Clock;
  readonly graceMs: number;
  readonly onEnd: (key: string, item: Item) => void;
};

/** Graces of one length for many keys, by one timer. At most `connectionsAtOnce` of them end in one turn of the event loop. */
export function createGraceTimers<Item>({ clock, graceMs, onEnd }: GraceTimersOptions<Item>) {
  /** In the order of their ends. */
  const running = new Map<string, { readonly item: Item; readonly endsAt: number }>();
  let isArmed = false;
  let cancel = (): void => {};

  function arm(ms: number): void {
    isArmed = true;
    cancel = clock.after(ms, endDue);
  }

  function endDue(): void {
    isArmed = false;
    let left = connectionsAtOnce;
    const now = clock.elapsed();
    for (const [key, { item, endsAt }] of running) {
      if (endsAt > now) return arm(endsAt - now);
      if (left-- === 0) {
        isArmed = true;
        return clock.defer(endDue);
      }
      running.delete(key);
      onEnd(key, item);
    }
  }

  return {
    /** Starts the grace of a key, anew where it runs already. */
    start(key: string, item: Item): void {
      running.delete(key);
      running.set(key, { item, endsAt: clock.elapsed() + graceMs });
      if (!isArmed) arm(graceMs);
    },
    cancel: (key: string): void => void running.delete(key),
    has: (key: string): boolean => running.has(key),
    stop(): void {
      cancel();
      running.clear();
    },
  };
}
