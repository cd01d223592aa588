import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Socket, SocketEvents } from "../connection/socket.ts";

/** The options of a `WebSocketServer` of the package `ws` that keep this chat's limits. */
export const wsOptions = ({ frameBytesMax }: { readonly frameBytesMax: number }) => ({
  noServer: true,
  clientTracking: false,
  maxPayload: frameBytesMax,
  perMessageDeflate: false,
  // As long as the core waits. ws closes by itself too, with 1009 or 1007.
  closeTimeout: 3_000,
});

/** A WebSocket of the package `ws`, on Node, and the stream under it. */
export class WsSocket implements Socket {
  private readonly ws: WebSocket;
  private readonly stream: Duplex;

  constructor(ws: WebSocket, stream: Duplex) {
    this.ws = ws;
    this.stream = stream;
  }

  send(frame: string): boolean {
    const { ws } = this;
    // A frame to a closing socket is lost, and `close` follows: no later frame can hide the gap.
    if (ws.readyState !== ws.OPEN) return true;
    // As bytes: for a text Node would count characters in `bufferedAmount`. A failed write ends the socket with `close`.
    ws.send(Buffer.from(frame), { binary: false }, ignore);
    return true;
  }

  bufferedBytes(): number {
    return this.ws.bufferedAmount;
  }

  cork(write: () => void): void {
    this.stream.cork();
    try {
      write();
    } finally {
      this.stream.uncork();
    }
  }

  ping(): void {
    this.ws.ping(undefined, undefined, ignore);
  }

  pause(): void {
    this.ws.pause();
  }

  resume(): void {
    this.ws.resume();
  }

  close(code: number, reason: string): void {
    // The peer's answer to the closing handshake must be read.
    this.ws.resume();
    this.ws.close(code, reason);
  }

  terminate(): void {
    this.ws.terminate();
  }
}

/** Reports pongs, and room in the stream: only Node's sockets have these events. */
export function listenToWs(
  { ws, stream }: { readonly ws: WebSocket; readonly stream: Duplex },
  events: Pick<SocketEvents, "pong" | "drain">,
): void {
  ws.on("pong", () => events.pong());
  stream.on("drain", () => events.drain());
}

const ignore = (): void => {};
