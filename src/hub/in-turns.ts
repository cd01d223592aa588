import type { Clock } from "../internal/clock.ts";

/** Connections that are served in one turn of the event loop: a few milliseconds of it. */
export const connectionsAtOnce = 500;

/** Resolves in the next turn of the event loop, once the input that is there has been handled. */
export const nextTurn = (clock: Pick<Clock, "defer">): Promise<void> => new Promise((resolve) => clock.defer(resolve));

/** Calls `each` for every item, `connectionsAtOnce` of them in one turn of the event loop. */
export async function inTurns<Item>(
  items: readonly Item[],
  { clock, each }: { readonly clock: Pick<Clock, "defer">; readonly each: (item: Item) => void },
): Promise<void> {
  for (let i = 0; i < items.length; i += connectionsAtOnce) {
    if (i > 0) await nextTurn(clock);
    for (const item of items.slice(i, i + connectionsAtOnce)) each(item);
  }
}
