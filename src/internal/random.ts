import { hex } from "./sha256.ts";

/** The source of chance of the core, which a simulator replaces. */
export interface Random {
  /** A whole number from 0 to 2^52 − 1. */
  integer(): number;
  /** A fresh message id: a UUIDv7 (RFC 9562) for the given time in milliseconds since the Unix epoch. */
  messageId(time: number): string;
  /** 256 unpredictable bits, as 43 characters of base64url (RFC 4648 section 5). */
  secret(): string;
}

/** From 0 to 1. */
export const chance = (random: Pick<Random, "integer">): number => random.integer() / 2 ** 52;

/** The runtime's own chance, from WebCrypto. */
export const systemRandom: Random = {
  integer() {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
    return (high % 2 ** 20) * 2 ** 32 + low;
  },
  messageId(time) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (let i = 0; i < 6; i++) bytes[i] = Math.floor(time / 2 ** (8 * (5 - i))) % 256;
    bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
    bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
    const text = hex(bytes);
    return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
  },
  secret() {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    const text = btoa(String.fromCharCode(...bytes));
    return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  },
};
