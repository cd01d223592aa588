import fc from "fast-check";
import { opcode } from "../../../support/client.ts";
import { frameText } from "../frame-text.ts";
import type { Attack } from "./attack.ts";

/** Many users, so that no user gathers a backlog that each of their connections must then be sent. */
const peopleMax = 5_000;

/** The opening handshake of one of many hostile users, none of them one of the healthy pair. */
const handshake = fc
  .nat({ max: peopleMax - 1 })
  .map((i) =>
    Buffer.from(
      [
        `GET /ws?user=mallory${i}&device=d HTTP/1.1`,
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "\r\n",
      ].join("\r\n"),
    ),
  );

type Head = {
  /** FIN, the reserved bits and the opcode. */
  readonly first: number;
  readonly isMasked?: boolean;
  /** The length that the frame claims; default: the truth. */
  readonly claimedLength?: bigint;
};

/** A frame as on the wire, with a mask of zeroes so that the payload stays legible. */
function frame({ first, isMasked = true, claimedLength }: Head, payload: Uint8Array): Buffer {
  const length = claimedLength ?? BigInt(payload.length);
  const mask = isMasked ? 0x80 : 0;
  const head =
    length < 126n
      ? Buffer.from([first, mask | Number(length)])
      : length < 65_536n
        ? Buffer.from([first, mask | 126, Number(length >> 8n), Number(length & 255n)])
        : Buffer.concat([Buffer.from([first, mask | 127]), bigEndian(length)]);
  return Buffer.concat([head, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

function bigEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
}

const final = 0x80;
const close = frame({ first: final | opcode.close }, Buffer.from([3, 232]));

/** The handshake alone, or in one packet with the rest: no honest client does that, and it is one input. */
const withOpening = (opening: Uint8Array, chunks: readonly Uint8Array[], isHasty: boolean, cases: number) =>
  isHasty ? { chunks: [Buffer.concat([opening, ...chunks])], cases: 1 } : { opening, chunks, cases };

const isHasty = fc.constantFrom(false, false, false, false, false, true);

/** Frames of text and bytes in one write, no more than the server refuses before it closes: each is judged. */
export const frameAttack: fc.Arbitrary<Attack> = fc
  .record({
    opening: handshake,
    isHasty,
    texts: fc.array(frameText, { minLength: 6, maxLength: 10 }),
    bytes: fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 1 }),
  })
  .map(({ opening, isHasty, texts, bytes }) => {
    const frames = [
      ...texts.map((text) => frame({ first: final | opcode.text }, Buffer.from(text))),
      ...bytes.map((binary) => frame({ first: final | opcode.binary }, binary)),
    ];
    const chunks = [Buffer.concat([...frames, close])];
    return {
      kind: "frames",
      ...withOpening(opening, chunks, isHasty, frames.length),
      gapMs: 0,
      isAnswered: true,
      end: "wait",
    };
  });

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 130 }),
  fc.constantFrom('{"type":"ping"}', "", "é").map((text) => Buffer.from(text)),
  fc.constantFrom(125, 126, 4_000, 65_535, 65_536, 65_537, 70_000).map((length) => Buffer.alloc(length, 0x20)),
  fc
    .constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82])
    .map((it) => Buffer.from(it)),
);
const claimedLength = fc.constantFrom(
  0n,
  1n,
  125n,
  126n,
  65_535n,
  65_536n,
  65_537n,
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 63n,
  2n ** 64n - 1n,
);

/** Any first byte, with or without a mask, and lengths that may lie. */
const anyFrame = fc
  .record({
    first: fc.nat({ max: 255 }),
    isMasked: fc.boolean(),
    claimedLength: fc.option(claimedLength, { nil: undefined }),
    payload,
  })
  .map(({ payload: data, claimedLength: length, ...head }) =>
    frame({ ...head, ...(length !== undefined && { claimedLength: length }) }, data),
  );

/** A ping frame in many fragments, with control frames in between. */
const fragmented = fc
  .record({
    text: frameText.filter((text) => text.length < 2_000),
    size: fc.integer({ min: 1, max: 40 }),
    control: fc.constantFrom<readonly number[]>([], [final | opcode.ping], [final | opcode.pong, final | opcode.ping]),
  })
  .map(({ text, size, control }) => {
    const bytes = Buffer.from(text);
    const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    return Buffer.concat(
      parts.flatMap((part, i) => [
        frame({ first: (i === parts.length - 1 ? final : 0) | (i === 0 ? opcode.text : opcode.continuation) }, part),
        ...control.map((first) => frame({ first }, Buffer.from("x"))),
      ]),
    );
  });

const wholePayload = fc.uint8Array({ maxLength: 125 });
const oddControl = fc
  .record({
    code: fc.constantFrom(opcode.close, opcode.ping, opcode.pong),
    payload: wholePayload,
    isFinal: fc.boolean(),
  })
  .map((it) => frame({ first: (it.isFinal ? final : 0) | it.code }, it.payload));

/** Frames that RFC 6455 forbids, or hardly allows. */
export const protocolAttack: fc.Arbitrary<Attack> = fc
  .record({
    opening: handshake,
    isHasty,
    frames: fc.array(fc.oneof(anyFrame, oddControl, fragmented), { minLength: 1, maxLength: 4 }),
    isSplit: fc.boolean(),
    end: fc.constantFrom<Attack["end"]>("wait", "half", "reset"),
  })
  .map(({ opening, isHasty, frames, isSplit, end }) => {
    const chunks = isSplit ? [...frames, close] : [Buffer.concat([...frames, close])];
    return { kind: "protocol", ...withOpening(opening, chunks, isHasty, frames.length), gapMs: 0, end };
  });
