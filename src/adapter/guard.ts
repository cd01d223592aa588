import { createLog } from "../internal/logger.ts";
import type { Socket, SocketEvents } from "../connection/socket.ts";

/** Events that never throw: in most runtimes a throw in a socket's handler ends the process. The socket ends instead. */
export function guard(events: SocketEvents, socket: Pick<Socket, "terminate">): SocketEvents {
  const guarded =
    <Args extends readonly unknown[]>(handle: (...args: Args) => void) =>
    (...args: Args): void => {
      try {
        handle(...args);
      } catch (error) {
        createLog(["tidings", "adapter"]).error("a socket's handler failed", { error });
        socket.terminate();
      }
    };
  return {
    receive: guarded(events.receive),
    drain: guarded(events.drain),
    pong: guarded(events.pong),
    closed: guarded(events.closed),
  };
}
