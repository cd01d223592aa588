/** The frames of RFC 6455, as far as a test of both ends needs them. No extensions. */
import { randomBytes } from "node:crypto";

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type WireFrame = {
  readonly isFinal: boolean;
  readonly op: number;
  readonly payload: Buffer;
  readonly isMasked: boolean;
  /** Its three bits that extensions may use. */
  readonly reserved: number;
  /** Its length takes as few bytes as it can. */
  readonly isShortest: boolean;
};

export type EncodeOptions = {
  readonly op: number;
  /** Clients mask, servers do not. */
  readonly isMasked: boolean;
  readonly isFinal?: boolean;
};

/** The bytes of one frame. */
export function encodeFrame(payload: Uint8Array, { op, isMasked, isFinal = true }: EncodeOptions): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended);
  head[0] = (isFinal ? 0x80 : 0) | op;
  head[1] = (isMasked ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, masked(payload, mask)]);
}

function masked(payload: Uint8Array, mask: Uint8Array): Buffer {
  const bytes = Buffer.from(payload);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return bytes;
}

/** The first frame in `bytes` and the bytes after it; null: it is not whole yet. */
export function decodeFrame(bytes: Buffer): { readonly frame: WireFrame; readonly rest: Buffer } | null {
  if (bytes.length < 2) return null;
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskAt = 2 + extended;
  const start = maskAt + ((second & 0x80) === 0 ? 0 : 4);
  if (bytes.length < start) return null;
  const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + length) return null;
  const body = bytes.subarray(start, start + length);
  const payload = start === maskAt ? Buffer.from(body) : masked(body, bytes.subarray(maskAt, start));
  const frame: WireFrame = {
    ...{ isFinal: (first & 0x80) !== 0, op: first & 0x0f, payload },
    ...{ isMasked: start !== maskAt, reserved: (first & 0x70) >> 4 },
    isShortest: extended === 0 || length > (extended === 2 ? 125 : 65_535),
  };
  return { frame, rest: bytes.subarray(start + length) };
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return payload;
}
