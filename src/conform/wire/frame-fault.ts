import { opcode, type WireFrame } from "./frame-codec.ts";

/** What is wrong with a frame, and the code that a connection is closed with for it. */
export type FrameFault = { readonly text: string; readonly code: 1002 | 1007 };

export type Expected = {
  /** Who has sent it. */
  readonly sender: "client" | "server";
  /** A message has begun and is not whole yet. */
  readonly isWithin: boolean;
};

const known: readonly number[] = Object.values(opcode);
const controlBytesMax = 125;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The first rule of RFC 6455 that a frame breaks, where no extension was agreed on; null: none. */
export function faultOf(frame: WireFrame, { sender, isWithin }: Expected): FrameFault | null {
  const { op, isFinal, isMasked, isShortest, reserved, payload } = frame;
  const is = (text: string): FrameFault => ({ text: `a ${text}`, code: 1002 });
  if (reserved !== 0) return is("frame with a reserved bit (RFC 6455 5.2)");
  if (!known.includes(op)) return is(`frame with the unknown opcode ${op} (RFC 6455 5.2)`);
  if (sender === "client" && !isMasked) return is("frame without a mask (RFC 6455 5.1)");
  if (sender === "server" && isMasked) return is("frame with a mask, from a server (RFC 6455 5.1)");
  if (!isShortest) return is("frame whose length is written longer than it must be (RFC 6455 5.2)");
  if (op >= opcode.close) {
    if (!isFinal) return is("control frame in fragments (RFC 6455 5.5)");
    if (payload.length > controlBytesMax) return is("control frame over 125 bytes (RFC 6455 5.5)");
    return op === opcode.close ? closeFault(payload) : null;
  }
  if (op === opcode.continuation) return isWithin ? null : is("continuation of no message (RFC 6455 5.4)");
  return isWithin ? is("new message within another one (RFC 6455 5.4)") : null;
}

/** The text; null: the bytes are not UTF-8. */
export function readText(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** RFC 6455 has them, and the protocol does not: the connection stays. */
export const binaryFault = "a binary frame, where each frame of the protocol is text";

export const notUtf8: FrameFault = { text: "a text that is not UTF-8 (RFC 6455 8.1)", code: 1007 };

function closeFault(payload: Buffer): FrameFault | null {
  if (payload.length === 0) return null;
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  if (!isCloseCode(code)) return { text: "a close frame without a code that may be sent (RFC 6455 7.4)", code: 1002 };
  return readText(payload.subarray(2)) === null ? notUtf8 : null;
}

/** 1004 to 1006 and 1015 are never sent; those from 1016 to 2999 have no meaning yet. */
const isCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006)) || (code >= 3000 && code <= 4999);
