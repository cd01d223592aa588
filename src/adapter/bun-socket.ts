import type { ServerWebSocket } from "bun";
import type { Socket } from "../connection/socket.ts";

/** A socket of Bun's server. */
export class BunSocket implements Socket {
  private readonly ws: ServerWebSocket<unknown>;

  constructor(ws: ServerWebSocket<unknown>) {
    this.ws = ws;
  }

  send(frame: string): boolean {
    // 0 is "dropped", and only that: later sends would succeed and leave a silent hole.
    return this.ws.sendText(frame) !== 0;
  }

  bufferedBytes(): number {
    return this.ws.getBufferedAmount();
  }

  cork(write: () => void): void {
    this.ws.cork(write);
  }

  ping(): void {
    this.ws.ping();
  }

  pause(): void {
    this.ws.pause();
  }

  resume(): void {
    this.ws.resume();
  }

  close(code: number, reason: string): void {
    this.ws.close(code, reason);
  }

  terminate(): void {
    this.ws.terminate();
  }
}
