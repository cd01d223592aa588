import fc from "fast-check";
import { httpAttack } from "./http-attack.ts";
import { frameAttack, protocolAttack } from "./websocket-attack.ts";

/** One hostile connection: the bytes that it writes, how, and how it ends. */
export type Attack = {
  readonly kind: string;
  /** Inputs for the server to judge. */
  readonly cases: number;
  /** A handshake that is sent first; the rest waits for the `welcome`. */
  readonly opening?: Uint8Array;
  readonly chunks: readonly Uint8Array[];
  /** Between two chunks. */
  readonly gapMs: number;
  /** Whether the server must close the connection by itself, and soon. */
  readonly isAnswered?: boolean;
  /** `wait`: for the server to close; `half`: by closing its own side first; `reset`: at once, with a RST. */
  readonly end: "wait" | "half" | "reset";
};

const end = fc.constantFrom("wait", "half", "reset", "wait");

const bytesOf = ({ opening, chunks }: Attack): Buffer => Buffer.concat([opening ?? Buffer.alloc(0), ...chunks]);

/** Bytes of no protocol at all. */
const garbage: fc.Arbitrary<Attack> = fc
  .record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 400 }), end })
  .map(({ bytes, end }) => ({ kind: "garbage", cases: 1, chunks: [bytes], gapMs: 0, end }));

/** An attack cut somewhere: a handshake, a header or a frame that never ends. */
const partial: fc.Arbitrary<Attack> = fc
  .record({
    of: fc.oneof(httpAttack, frameAttack, protocolAttack),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    end,
  })
  .map(({ of, at, end }) => {
    const bytes = bytesOf(of);
    return { kind: "partial", cases: 1, chunks: [bytes.subarray(0, Math.floor(at * bytes.length))], gapMs: 0, end };
  });

const dripBytesMax = 24;

/** An attack a byte at a time, for a bounded time. */
const drip: fc.Arbitrary<Attack> = fc
  .record({ of: fc.oneof(httpAttack, protocolAttack), skipped: fc.nat({ max: 200 }), end })
  .map(({ of, skipped, end }) => {
    const bytes = bytesOf(of);
    const start = Math.min(skipped, Math.max(0, bytes.length - dripBytesMax));
    const dripped = [...bytes.subarray(start, start + dripBytesMax)].map((byte) => Uint8Array.of(byte));
    return { kind: "drip", cases: 1, chunks: [bytes.subarray(0, start), ...dripped], gapMs: 1, end };
  });

/** Every attack on a server over TCP. */
export const attack: fc.Arbitrary<Attack> = fc.oneof(
  { weight: 50, arbitrary: frameAttack },
  { weight: 20, arbitrary: protocolAttack },
  { weight: 20, arbitrary: httpAttack },
  { weight: 4, arbitrary: garbage },
  { weight: 5, arbitrary: partial },
  { weight: 1, arbitrary: drip },
);
