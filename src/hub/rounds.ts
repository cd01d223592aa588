import { connectionsAtOnce } from "./in-turns.ts";
import type { Clock } from "../internal/clock.ts";

export type RoundsOptions<Item> = {
  readonly items: ReadonlySet<Item>;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly look: (item: Item) => void;
  /** Called once a round, after the last item. */
  readonly onEnd: () => void;
};

/**
 * Looks at each item once in `everyMs`. Many items are spread over that time: no turn of the event loop looks at more than
 * `connectionsAtOnce`. Returns the function that ends it.
 */
export function startRounds<Item>({ items, clock, everyMs, look, onEnd }: RoundsOptions<Item>): () => void {
  let cancel = clock.after(everyMs, begin);

  function begin(): void {
    const end = clock.elapsed() + everyMs;
    const stepMs = everyMs / Math.max(1, Math.ceil(items.size / connectionsAtOnce));
    const left = items.values();

    /** Goes on where the last step ended: an item that is added meanwhile is looked at too, one that is deleted is not. */
    function step(): void {
      for (let i = 0; i < connectionsAtOnce; i++) {
        const next = left.next();
        if (next.done === true) {
          cancel = clock.after(Math.max(0, end - clock.elapsed()), begin);
          return onEnd();
        }
        look(next.value);
      }
      cancel = clock.after(stepMs, step);
    }

    step();
  }

  return () => cancel();
}
