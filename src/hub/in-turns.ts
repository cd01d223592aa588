import { type Clock, nextTurn } from "../internal/clock.ts";

/** Connections that are served in one turn of the event loop: a few milliseconds of it. */
export const connectionsAtOnce = 500;

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
