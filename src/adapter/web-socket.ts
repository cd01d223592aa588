import type { Socket, SocketEvents } from "../connection/socket.ts";
import { closeCode } from "../protocol/close-code.ts";

/** The part of the web's WebSocket that is used, as Deno has it on its servers. */
export type WebSocketLike = {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
};

const open = 1;

/** After how many seconds without a pong Deno closes a socket: it pings by itself, and hides the pongs. */
export const idleSeconds = ({ heartbeatMs }: { readonly heartbeatMs: number }): number =>
  Math.ceil((2 * heartbeatMs) / 1_000);

/** A WebSocket as browsers know it: without pings, pauses or a way to drop it. */
export const webSocket = (ws: WebSocketLike): Socket => ({
  send(frame) {
    // A frame to a closing socket is lost, and its end follows: no later frame can hide the gap.
    if (ws.readyState === open) ws.send(frame);
    return true;
  },
  bufferedBytes: () => ws.bufferedAmount,
  close: (code, reason) => ws.close(code, reason),
  terminate: () => ws.close(),
});

type Closable = Pick<WebSocketLike, "close">;
type Receive = (ws: Closable, data: unknown, events: SocketEvents | null) => void;

/** Hands frames to the chat; one over the limit closes its socket. */
export const createReceive =
  ({ frameBytesMax }: { readonly frameBytesMax: number }): Receive =>
  (ws, data, events) => {
    const frame = data instanceof ArrayBuffer ? new Uint8Array(data) : String(data);
    const isOver = frame.length > frameBytesMax || (typeof frame === "string" && isLonger(frame, frameBytesMax));
    if (isOver) ws.close(closeCode.tooBig, "the frame is over the limit");
    else events?.receive(frame);
  };

/** Closes a socket for which there is no chat any more. */
export const closeUnserved = (ws: Closable): void => ws.close(closeCode.storeFailed, "the chat is not available");

/** UTF-8 may be up to three times as long as the text: the bytes are counted only where they could be too many. */
const isLonger = (text: string, bytesMax: number): boolean =>
  text.length * 3 > bytesMax && new TextEncoder().encode(text).length > bytesMax;
