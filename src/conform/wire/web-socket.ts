import type { Duplex } from "node:stream";
import { closePayload, decodeFrame, encodeFrame, opcode, type WireFrame } from "./frame-codec.ts";

/** How a socket has ended. 1006: without a close frame. */
export type Closed = { readonly code: number; readonly reason: string };

/** One end of a WebSocket. */
export interface WebSocketEnd {
  sendText(text: string): void;
  /** The text in frames of one character each, and each byte by itself: what a network may do to it. */
  sendInPieces(text: string): void;
  /** Bytes as they are: also what no well-behaved end sends. */
  sendBytes(bytes: Uint8Array): void;
  ping(): void;
  /** Sends a close frame; the other end closes then. */
  close(code: number, reason?: string): void;
  /** Drops the connection without a close frame, as a lost network does. */
  cut(): void;
  /** Pongs that came. */
  pongs(): number;
  readonly closed: Promise<Closed>;
  isOpen(): boolean;
}

export type WebSocketEndOptions = {
  readonly role: "client" | "server";
  /** Bytes that came with the upgrade. */
  readonly head: Buffer;
  /** A whole text. `bytes` instead: a binary message. */
  readonly onText: (text: string) => void;
  readonly onClose?: (closed: Closed) => void;
};

/** How long a closed connection may stay before it is dropped. */
const lingerMs = 1_000;

/** Speaks RFC 6455 over a stream whose upgrade is done. Its own codec, so that it can also send what libraries refuse to. */
export function createWebSocketEnd(stream: Duplex, options: WebSocketEndOptions): WebSocketEnd {
  const { role, head, onText, onClose } = options;
  const isMasked = role === "client";
  let buffered = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let pongCount = 0;
  let state: "open" | "closing" | "closed" = "open";
  let seen: Closed | null = null;
  let resolveClosed: (closed: Closed) => void = () => {};
  const closed = new Promise<Closed>((resolve) => (resolveClosed = resolve));

  const write = (bytes: Uint8Array): void => void (stream.writable && stream.write(bytes));
  const sendFrame = (payload: Uint8Array, op: number, isFinal = true): void =>
    write(encodeFrame(payload, { op, isMasked, isFinal }));

  function handle({ op, payload, isFinal }: WireFrame): void {
    if (op === opcode.ping) return sendFrame(payload, opcode.pong);
    if (op === opcode.pong) return void pongCount++;
    if (op === opcode.close) {
      seen ??=
        payload.length < 2
          ? { code: 1005, reason: "" }
          : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
      if (state === "open") sendFrame(payload, opcode.close);
      state = "closing";
      stream.end();
      return linger();
    }
    parts.push(payload);
    if (!isFinal) return;
    const text = Buffer.concat(parts).toString();
    parts = [];
    if (state === "open") onText(text);
  }

  /** The other end may not close. */
  const linger = (): void => void setTimeout(() => stream.destroy(), lingerMs).unref();

  function receive(bytes: Buffer): void {
    buffered = Buffer.concat([buffered, bytes]);
    for (let found = decodeFrame(buffered); found !== null; found = decodeFrame(buffered)) {
      buffered = Buffer.from(found.rest);
      handle(found.frame);
    }
  }

  stream.on("data", receive);
  stream.on("error", () => stream.destroy());
  stream.on("end", () => stream.destroy());
  stream.on("close", () => {
    if (state === "closed") return;
    state = "closed";
    const result = seen ?? { code: 1006, reason: "" };
    resolveClosed(result);
    onClose?.(result);
  });
  if (head.length > 0) queueMicrotask(() => receive(head));
  // Reading the answer to the upgrade has paused it.
  stream.resume();

  return {
    sendText: (text) => sendFrame(Buffer.from(text), opcode.text),
    sendInPieces(text) {
      const characters = Array.from(text);
      characters.forEach((character, at) => {
        const op = at === 0 ? opcode.text : opcode.continuation;
        const bytes = encodeFrame(Buffer.from(character), { op, isMasked, isFinal: at === characters.length - 1 });
        for (const byte of bytes) write(Uint8Array.of(byte));
      });
    },
    sendBytes: write,
    ping: () => sendFrame(Buffer.from("kit"), opcode.ping),
    close(code, reason = "") {
      if (state !== "open") return;
      state = "closing";
      sendFrame(closePayload(code, reason), opcode.close);
      linger();
    },
    cut: () => void stream.destroy(),
    pongs: () => pongCount,
    closed,
    isOpen: () => state === "open",
  };
}
