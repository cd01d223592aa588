import fc from "fast-check";
import { decodeConversation, encodeConversation } from "../../../../src/protocol/conversation-id.ts";
import { createCursors, type Cursors, isCursor } from "../../../../src/protocol/cursor.ts";
import { systemRandom } from "../../../../src/internal/random.ts";
import { isIdentifier, isMessageId } from "../../../../src/protocol/identifier.ts";
import { createTarget, type Target } from "../target.ts";

const isPlace = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const digits = fc.string({
  unit: fc.constantFrom(..."0123456789abcdefghijklmnopqrstuvwxyzA.-+ \0".split("")),
  maxLength: 14,
});
const n = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 40 }), fc.constantFrom(0, 2 ** 31, 2 ** 52, Number.MAX_SAFE_INTEGER));
const epoch = fc.string({ unit: fc.constantFrom(..."0123456789abcdefz".split("")), minLength: 8, maxLength: 16 });
const nearCursor = fc
  .tuple(fc.oneof(epoch, digits), fc.constantFrom(".", "", "..", ". ", "\n"), digits)
  .map((it) => it.join(""));

const base64url: readonly string[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".split("");
type CursorCodec = Pick<Cursors, "encode" | "decode">;
const history = "abcdefgh";
const secret = "0123456789abcdef".repeat(4);
/** Another server, or the same one before its memory of recent cursors was lost. */
const own = (): Cursors => createCursors({ secret, epoch: history, random: systemRandom });
const others: readonly Cursors[] = [
  createCursors({ secret, epoch: "hgfedcba", random: systemRandom }),
  createCursors({ secret: secret.replaceAll("0", "f"), epoch: history, random: systemRandom }),
];

/** Cursors: an encoded one decodes to the same, and nothing else is one: not those of another history or database, nor look-alikes. */
export const cursorTarget = ({ encode, decode }: CursorCodec = own()): Target =>
  createTarget({
    name: "cursor",
    inputs: fc.oneof(
      fc.record({ n: fc.nat({ max: 2 ** 48 - 1 }) }),
      nearCursor,
      fc.string({ unit: fc.constantFrom(...base64url), minLength: 22, maxLength: 22 }),
      fc.string({ unit: "binary", maxLength: 30 }),
    ),
    judge(input) {
      if (typeof input === "object") {
        const text = encode(input);
        if (!isCursor(text)) return "is none by its form";
        if (decode(text)?.n !== input.n || own().decode(text)?.n !== input.n) return "did not come back";
        if (others.some((other) => other.decode(text) !== null)) return "is read by another history";
        return others.some((other) => decode(other.encode(input)) !== null) ? "reads another history's" : null;
      }
      const cursor = decode(input);
      if (cursor === null) return null;
      if (!isPlace(cursor.n)) return `was read as ${cursor.n}`;
      return input === `${history}.${cursor.n.toString(36)}` ? null : "is a second form";
    },
  });

/** Conversation ids, by the same three questions. */
export const conversationTarget = (): Target =>
  createTarget({
    name: "conversation id",
    inputs: fc.oneof(
      n,
      digits.map((text) => `c${text}`),
      fc.string({ unit: "binary", maxLength: 16 }),
    ),
    judge(input) {
      if (typeof input === "number") {
        const key = Math.max(1, input);
        return decodeConversation(encodeConversation(key)) === key ? null : "did not come back";
      }
      const key = decodeConversation(input);
      if (key === null) return null;
      if (!isPlace(key) || key === 0) return `was read as ${key}`;
      return encodeConversation(key) === input ? null : `is a second form of ${encodeConversation(key)}`;
    },
  });

const alphabet = new Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_.@:~|");
const hexadecimal = new Set("0123456789abcdefABCDEF");
const hyphens = [8, 13, 18, 23];
const uuidWith = fc.tuple(fc.uuid(), fc.nat({ max: 35 }), fc.constantFrom("A", "g", "-", " ", "\n", "0", "\u0660"));

/** Ids of users and messages, compared with a loop over their characters. */
export const identifierTarget = (): Target =>
  createTarget({
    name: "identifier",
    inputs: fc.oneof(
      fc.string({ unit: fc.constantFrom(...alphabet, "é", " ", "\n", "\0", "/", "А", "ﬁ"), maxLength: 6 }),
      fc.constantFrom("a".repeat(128), "a".repeat(129), "a\n", "", "a".repeat(128) + "\n"),
      uuidWith.map(([id, i, char]) => id.slice(0, i) + char + id.slice(i + 1)),
      fc.uuid(),
      fc.anything({ maxDepth: 1 }),
    ),
    judge(input) {
      const text = typeof input === "string" ? input : null;
      const isPerson =
        text !== null &&
        text.length >= 1 &&
        text.length <= 128 &&
        ![".", ".."].includes(text) &&
        text.split("").every((char) => alphabet.has(char));
      if (isIdentifier(input) !== isPerson) return `isIdentifier says ${!isPerson}`;
      const isMessage =
        text?.length === 36 &&
        text.split("").every((char, i) => (hyphens.includes(i) ? char === "-" : hexadecimal.has(char)));
      return isMessageId(input) === isMessage ? null : `isMessageId says ${!isMessage}`;
    },
  });
