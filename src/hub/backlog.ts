import { connectionsAtOnce } from "./in-turns.ts";
import { type Clock, nextTurn } from "../internal/clock.ts";

export type BacklogOptions<Item> = {
  readonly clock: Pick<Clock, "defer">;
  readonly work: (item: Item) => void;
  /** Called for the first item that waits; `run` takes the items of one turn, and the next turns take the rest. */
  readonly begin: (run: () => void) => void;
};

/** Items that wait for some work, each once; `connectionsAtOnce` are taken in one turn of the event loop, the oldest first. */
export function createBacklog<Item>({ clock, work, begin }: BacklogOptions<Item>) {
  const waiting = new Set<Item>();
  let isBegun = false;

  function run(): void {
    const taken: Item[] = [];
    for (const item of waiting) {
      if (taken.length === connectionsAtOnce) break;
      taken.push(item);
      waiting.delete(item);
    }
    isBegun = waiting.size > 0;
    if (isBegun) clock.defer(run);
    for (const item of taken) work(item);
  }

  return {
    add(item: Item): void {
      waiting.add(item);
      if (isBegun) return;
      isBegun = true;
      begin(run);
    },
    delete: (item: Item): void => void waiting.delete(item),
    /** Does all the work that waits now, over as many turns of the event loop as it takes. */
    async finish(): Promise<void> {
      for (let left = waiting.size; left > 0; left -= connectionsAtOnce) {
        run();
        await nextTurn(clock);
      }
    },
    size: (): number => waiting.size,
  };
}
