import type { Clock } from "../internal/clock.ts";
import { connectionsAtOnce } from "./turns.ts";

export type GracesOptions<Item> = {
  readonly clock: Clock;
  readonly graceMs: number;
  /** The grace is over. */
  readonly onEnd: (key: string, item: Item) => void;
};

/** A grace for each of many, all equally long, by one timer. Those that end at one moment are told some at a time. */
export function createGraces<Item>({ clock, graceMs, onEnd }: GracesOptions<Item>) {
  /** In the order of their ends. */
  const running = new Map<string, { readonly item: Item; readonly endsAt: number }>();
  let isArmed = false;
  let cancel = (): void => {};

  function arm(ms: number): void {
    isArmed = true;
    cancel = clock.after(ms, look);
  }

  function look(): void {
    isArmed = false;
    let left = connectionsAtOnce;
    const now = clock.elapsed();
    for (const [key, { item, endsAt }] of running) {
      if (endsAt > now) return arm(endsAt - now);
      if (left-- === 0) {
        isArmed = true;
        return clock.defer(look);
      }
      running.delete(key);
      onEnd(key, item);
    }
  }

  return {
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
