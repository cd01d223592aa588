import type { Socket } from "../connection/socket.ts";

/** The part of the web's WebSocket that is used, as Deno has it on its servers. */
export type WebSocketLike = {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
};

const open = 1;

/** Deno pings by itself, hides the pongs, and closes who does not answer for so many seconds. */
export const idleSeconds = ({ heartbeatMs }: { readonly heartbeatMs: number }): number =>
  Math.ceil((2 * heartbeatMs) / 1_000);

/** A WebSocket as browsers know it: without pings, pauses or a way to drop it. */
export const webSocket = (ws: WebSocketLike): Socket => ({
  send(frame) {
    // Whatever is sent to a closing socket goes nowhere, and its end follows: no hole that anything later could hide.
    if (ws.readyState === open) ws.send(frame);
    return true;
  },
  bufferedBytes: () => ws.bufferedAmount,
  close: (code, reason) => ws.close(code, reason),
  terminate: () => ws.close(),
});

/** What came, as the core takes it; null for a frame over the limit. */
export function frameOf(data: unknown, { frameBytesMax }: { readonly frameBytesMax: number }) {
  const frame = data instanceof ArrayBuffer ? new Uint8Array(data) : String(data);
  const isOver = frame.length > frameBytesMax || (typeof frame === "string" && isLonger(frame, frameBytesMax));
  return isOver ? null : frame;
}

/** Of a text that may be up to three times as long in UTF-8 the bytes are counted only where they could be too many. */
const isLonger = (text: string, bytesMax: number): boolean =>
  text.length * 3 > bytesMax && new TextEncoder().encode(text).length > bytesMax;
