import type { Clock } from "../internal/clock.ts";

/** Connections that are served in one turn of the event loop: a few milliseconds of it. */
export const connectionsAtOnce = 500;

/** Resolves in the next turn of the event loop, once the input that is there has been handled. */
export const nextTurn = (clock: Pick<Clock, "defer">): Promise<void> => new Promise((resolve) => clock.defer(resolve));

/** Does something for each item, so many in one turn of the event loop. */
export async function inTurns<Item>(
  items: readonly Item[],
  { clock, each }: { readonly clock: Pick<Clock, "defer">; readonly each: (item: Item) => void },
): Promise<void> {
  for (let i = 0; i < items.length; i += connectionsAtOnce) {
    if (i > 0) await nextTurn(clock);
    for (const item of items.slice(i, i + connectionsAtOnce)) each(item);
  }
}

export type BacklogOptions<Item> = {
  readonly clock: Pick<Clock, "defer">;
  readonly work: (item: Item) => void;
  /** Begins with the first item; what one turn has no room for follows in the next ones. */
  readonly begin: (run: () => void) => void;
};

/** Items that wait for some work, each once. So many are taken in one turn of the event loop, the oldest first. */
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
    /** Does all that waits now, over as many turns of the event loop as it takes. */
    async finish(): Promise<void> {
      for (let left = waiting.size; left > 0; left -= connectionsAtOnce) {
        run();
        await nextTurn(clock);
      }
    },
    size: (): number => waiting.size,
  };
}

export type RoundsOptions<Item> = {
  readonly items: ReadonlySet<Item>;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly look: (item: Item) => void;
  /** Called once a round, after the last item. */
  readonly onEnd: () => void;
};

/**
 * Looks at each item once in `everyMs`. Where there are many, each has its own moment of that time: no turn of the event loop looks at more
 * than a few.
 */
export function startRounds<Item>({ items, clock, everyMs, look, onEnd }: RoundsOptions<Item>): () => void {
  let cancel = clock.after(everyMs, begin);

  function begin(): void {
    const end = clock.elapsed() + everyMs;
    const stepMs = everyMs / Math.max(1, Math.ceil(items.size / connectionsAtOnce));
    const left = items.values();

    /** Goes on where the last step ended: who comes meanwhile is looked at too, who has gone is not. */
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
