import { connectionsAtOnce, nextTurn } from "./in-turns.ts";
import type { Clock } from "../internal/clock.ts";

export type BacklogOptions<Item> = {
  readonly clock: Pick<Clock, "defer">;
  readonly work: (item: Item) => void;
  /** Called for the first item that waits; `run` takes the items of one turn, and the next turns take the rest. */
  readonly begin: (run: () => void) => void;
};

/** Items that wait for some work, each once; `connectionsAtOnce` are taken in one turn of the event loop, the oldest first. */
export type Backlog<Item> = {
  add(item: Item): void;
  delete(item: Item): void;
  /** Does all the work that waits now, over as many turns of the event loop as it takes. */
  finish(): Promise<void>;
  size(): number;
};

export function createBacklog<Item>({ clock, work, begin }: BacklogOptions<Item>): Backlog<Item> {
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
    add(item) {
      waiting.add(item);
      if (isBegun) return;
      isBegun = true;
      begin(run);
    },
    delete: (item) => void waiting.delete(item),
    async finish() {
      for (let left = waiting.size; left > 0; left -= connectionsAtOnce) {
        run();
        await nextTurn(clock);
      }
    },
    size: () => waiting.size,
  };
}
