import type { Duplex } from "node:stream";
import { closePayload, decodeFrame, encodeFrame, opcode, type WireFrame } from "./frame-codec.ts";
import { binaryFault, faultOf, type FrameFault, notUtf8, readText } from "./frame-fault.ts";

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
  /** A whole text. */
  readonly onText: (text: string) => void;
  /** The other end has sent what it must never send. The connection is closed for it, unless that is a binary frame. */
  readonly onFault: (fault: string) => void;
  readonly onClose?: (closed: Closed) => void;
};

/** How long a closed connection may stay before it is dropped. */
const lingerMs = 1_000;

/** Speaks RFC 6455 over a stream whose upgrade is done. Its own codec, so that it can also send what libraries refuse to. */
export function createWebSocketEnd(stream: Duplex, options: WebSocketEndOptions): WebSocketEnd {
  const { role, head, onText, onFault, onClose } = options;
  const sender = role === "client" ? "server" : "client";
  const isMasked = role === "client";
  let buffered = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let isBinary = false;
  let pongCount = 0;
  let state: "open" | "closing" | "failed" | "closed" = "open";
  let seen: Closed | null = null;
  let resolveClosed: (closed: Closed) => void = () => {};
  const closed = new Promise<Closed>((resolve) => (resolveClosed = resolve));

  const write = (bytes: Uint8Array): void => void (stream.writable && stream.write(bytes));
  const sendFrame = (payload: Uint8Array, op: number, isFinal = true): void =>
    write(encodeFrame(payload, { op, isMasked, isFinal }));

  /** Reads no further: what comes after such a frame means nothing. */
  function fail({ text, code }: FrameFault): void {
    onFault(text);
    if (state === "open") sendFrame(closePayload(code, ""), opcode.close);
    state = "failed";
    stream.end();
    linger();
  }

  function handle(frame: WireFrame): void {
    const fault = faultOf(frame, { sender, isWithin: parts.length > 0 });
    if (fault !== null) return fail(fault);
    const { op, payload, isFinal } = frame;
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
    if (op !== opcode.continuation) isBinary = op === opcode.binary;
    parts.push(payload);
    if (!isFinal) return;
    const bytes = Buffer.concat(parts);
    parts = [];
    if (isBinary) return onFault(binaryFault);
    const text = readText(bytes);
    if (text === null) return fail(notUtf8);
    if (state === "open") onText(text);
  }

  /** The other end may not close. */
  const linger = (): void => void setTimeout(() => stream.destroy(), lingerMs).unref();

  function receive(bytes: Buffer): void {
    buffered = Buffer.concat([buffered, bytes]);
    for (let found = decodeFrame(buffered); found !== null && state !== "failed"; found = decodeFrame(buffered)) {
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
