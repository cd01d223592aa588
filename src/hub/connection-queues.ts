import type { Connection } from "../connection/connection.ts";
import { type Clock, nextTurn } from "../internal/clock.ts";
import { connectionsAtOnce } from "./in-turns.ts";

type BacklogOptions<Item> = {
  readonly clock: Pick<Clock, "defer">;
  readonly work: (item: Item) => void;
  /** Called for the first item that waits; `run` takes the items of one turn, and the next turns take the rest. */
  readonly begin: (run: () => void) => void;
};

/** Items that wait for some work, each once; `connectionsAtOnce` are taken in one turn of the event loop, the oldest first. */
function createBacklog<Item>({ clock, work, begin }: BacklogOptions<Item>) {
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

/** The work that waits for connections, spread over turns of the event loop. `cursorDelayMs`: for how long a cursor that moved waits for a frame that has it anyway. */
export function createConnectionQueues(options: { readonly clock: Clock; readonly cursorDelayMs: number }) {
  const { clock, cursorDelayMs } = options;
  let cancelCursors = (): void => {};
  const pendingFlush = createBacklog<Connection>({
    clock,
    begin: queueMicrotask,
    work(connection) {
      try {
        connection.flush();
      } catch (fault) {
        connection.fail(fault);
      }
    },
  });
  const pendingCursor = createBacklog<Connection>({
    clock,
    begin: (run) => void (cancelCursors = clock.after(cursorDelayMs, run)),
    work: ({ outgoing }) => outgoing.sendPendingCursor(),
  });
  const soon = createBacklog<() => void>({ clock, begin: (run) => clock.defer(run), work: (task) => task() });

  return {
    /** Connections with something to send at the end of this turn. */
    pendingFlush,
    /** Connections with a cursor that moved without a frame. */
    pendingCursor,
    /** Tasks that may be due for all connections at one moment. */
    soon,
    delete(connection: Connection): void {
      pendingFlush.delete(connection);
      pendingCursor.delete(connection);
    },
    /** Sends no cursor any more. */
    stop: (): void => cancelCursors(),
  };
}
