import { createLog } from "../internal/logger.ts";
import type { Socket, SocketEvents } from "../connection/socket.ts";

/** Events that never throw: in most runtimes a throw in a socket's handler ends the process. The socket ends instead. */
export const guard = (events: SocketEvents, socket: Pick<Socket, "terminate">): SocketEvents =>
  new GuardedEvents(events, socket);

class GuardedEvents implements SocketEvents {
  private readonly events: SocketEvents;
  private readonly socket: Pick<Socket, "terminate">;

  constructor(events: SocketEvents, socket: Pick<Socket, "terminate">) {
    this.events = events;
    this.socket = socket;
  }

  receive(frame: string | Uint8Array): void {
    this.call(() => this.events.receive(frame));
  }

  drain(): void {
    this.call(() => this.events.drain());
  }

  pong(): void {
    this.call(() => this.events.pong());
  }

  closed(code: number): void {
    this.call(() => this.events.closed(code));
  }

  private call(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      createLog(["tidings", "adapter"]).error("a socket's handler failed", { error });
      this.socket.terminate();
    }
  }
}
