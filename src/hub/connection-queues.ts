import { createBacklog } from "./backlog.ts";
import type { Connection } from "../connection/connection.ts";
import type { Clock } from "../internal/clock.ts";

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
