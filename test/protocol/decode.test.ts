import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8Bytes } from "../../src/internal/utf8.ts";
import { decodeConversation, encodeConversation } from "../../src/protocol/conversation-id.ts";
import { createCursors, isCursor } from "../../src/protocol/cursor.ts";
import { decodeFrame } from "../../src/protocol/decode.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { systemRandom } from "../../src/internal/random.ts";

const id = "0198abcd-0000-7000-8000-00000000000f";
const decode = (value: unknown) => decodeFrame(JSON.stringify(value), defaultLimits);
const kindOf = (value: unknown) => {
  const decoded = decode(value);
  return decoded.ok ? "ok" : `${decoded.kind} ${decoded.code}`;
};

describe("decodeFrame", () => {
  test("R1 never throws, for any text or bytes, and its result has only known fields", () => {
    const fields = { send: 5, ack: 2, read: 3, typing: 4, watch: 2, ping: 2, authenticate: 3 };
    const check = (data: string | Uint8Array): void => {
      const decoded = decodeFrame(data, defaultLimits);
      if (decoded.ok) expect(Object.keys(decoded.frame).length).toBeLessThanOrEqual(fields[decoded.frame.type]);
    };
    fc.assert(fc.property(fc.string({ unit: "binary" }), check));
    fc.assert(fc.property(fc.uint8Array(), check));
    fc.assert(fc.property(fc.json(), check));
    const type = fc.constantFrom(
      "send",
      "ack",
      "read",
      "typing",
      "ping",
      "watch",
      "authenticate",
      "__proto__",
      "constructor",
      "toString",
    );
    const frame = fc.record(
      {
        type,
        id: fc.oneof(fc.constant(id), fc.anything()),
        to: fc.anything(),
        conversation: fc.anything(),
        text: fc.anything(),
        seq: fc.anything(),
        cursor: fc.anything(),
        typing: fc.anything(),
        users: fc.anything(),
        token: fc.anything(),
      },
      { requiredKeys: ["type"] },
    );
    fc.assert(fc.property(frame, (value) => check(JSON.stringify(value) ?? "")));
    for (const depth of ["[", '{"a":']) check(depth.repeat(defaultLimits.frameBytesMax / depth.length));
  });

  test("T2 accepts a send with exactly one target, an id and a text", () => {
    expect(kindOf({ type: "send", id, to: "bob", text: "hi" })).toBe("ok");
    expect(kindOf({ type: "send", id, conversation: "c7", text: "hi" })).toBe("ok");
    for (const wrong of [
      { to: "bob", conversation: "c7" },
      {},
      { to: "bob", from: "eve" },
      { to: "bob", tenant: "t" },
      { to: "bob", seq: 1 },
      { to: 7 },
    ])
      expect(kindOf({ type: "send", id, text: "hi", ...wrong })).toBe("bad bad_frame");
    expect(kindOf({ type: "send", id: `{${id}}`, to: "bob", text: "hi" })).toBe("bad bad_frame");
    expect(kindOf({ type: "send", id, to: "bob" })).toBe("bad bad_frame");
  });

  test("S9 rejects a send with a forbidden text under its id", () => {
    const textKind = (text: string) => kindOf({ type: "send", id, to: "bob", text });
    expect(textKind("")).toBe("rejected bad_frame");
    expect(textKind("a\0b")).toBe("rejected bad_frame");
    expect(textKind("\ud800")).toBe("rejected bad_frame");
    expect(textKind("é".repeat(8_192))).toBe("ok");
    expect(textKind("é".repeat(8_192) + "x")).toBe("rejected too_large");
    expect(textKind("😀".repeat(4_096))).toBe("ok");
    for (const to of ["", "b b", "b\n", "b".repeat(129), "böb"])
      expect(kindOf({ type: "send", id, to, text: "hi" })).toBe("rejected invalid_recipient");
  });
});

/** How cursors of two positions, made in turn, reveal each other; null: not at all. */
function similarityOf(encode: (n: number) => string): string | null {
  const texts = Array.from({ length: 2_000 }, (_, i) => encode(i % 2));
  if (new Set(texts).size !== texts.length) return "two of them are alike";
  const distance = (one: string, other: string): number =>
    Array.from(one).filter((char, i) => char !== other[i]).length / one.length;
  // As many characters differ between neighbours as between any two: about 63 of 64.
  for (const gap of [1, 2, 1_000]) {
    const sum = texts.slice(gap).reduce((total, text, i) => total + distance(text, texts[i] ?? ""), 0);
    if (sum / (texts.length - gap) < 0.93) return `those that are ${gap} apart look like each other`;
  }
  return null;
}

describe("opaque forms", () => {
  test("O6 a cursor and a conversation id come back unchanged, and all other texts are refused", () => {
    const options = { secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom };
    const cursors = createCursors(options);
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 48 - 1 }), (n) => {
        const text = cursors.encode({ n });
        expect(isCursor(text)).toBe(true);
        expect(cursors.decode(text)).toEqual({ n });
        // Another node, which did not make it.
        expect(createCursors(options).decode(text)).toEqual({ n });
        expect(createCursors({ ...options, epoch: "abcdefgi" }).decode(text)).toBeNull();
      }),
    );
    // A cursor of the first releases.
    expect(cursors.decode("abcdefgh.z")).toEqual({ n: 35 });
    expect(cursors.decode("zzzzzzzz.z")).toBeNull();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 52 }), (key) =>
        expect(decodeConversation(encodeConversation(key))).toBe(key),
      ),
    );
    for (const text of [
      "",
      "x",
      "abcdefgh.",
      "abcdefgh.01",
      "ABCDEFGH.1",
      "abcdefgh.zzzzzzzzzzzz",
      "abcdefgh.1.1",
      "abcdefgh.zzzzzzzzzzz",
    ])
      expect(cursors.decode(text)).toBeNull();
    for (const text of ["", "c", "c0", "C1", "d1", "czzzzzzzzzzz", "czzzzzzzzzzzzz", "c1 "])
      expect(decodeConversation(text)).toBeNull();
  });

  test("T8 cursors of one position differ, and do not reveal the distance between two", () => {
    const { encode } = createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom });
    expect(similarityOf((n) => encode({ n }))).toBeNull();
  });

  test("control: T8 a readable number, or one encrypted without a counter, is found", () => {
    expect(similarityOf((n) => `abcdefgh.${n.toString(36).padStart(11, "0")}`)).not.toBeNull();
    expect(similarityOf((n) => Buffer.from(`${n}`.padStart(16, "0")).toString("base64url"))).not.toBeNull();
  });

  test("T8 a sealed text comes back, differs at each call, and cannot be read with another key", () => {
    const options = { secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom };
    const { seal, unseal } = createCursors(options);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (text) => {
        const sealed = seal(text);
        expect(unseal(sealed)).toBe(text);
        expect(sealed).not.toBe(seal(text));
        expect(createCursors({ ...options, secret: "f".repeat(64) }).unseal(sealed)).toBeNull();
        // Not at its end: the last character has unused bits.
        expect(unseal(`${sealed.startsWith("A") ? "B" : "A"}${sealed.slice(1)}`)).toBeNull();
      }),
    );
    for (const text of ["", "x", "eyJ0ZXh0cyI6e319", "A".repeat(80)]) expect(unseal(text)).toBeNull();
  });

  test("S9 the bytes of a text are counted as UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) =>
        expect(utf8Bytes(text.toWellFormed())).toBe(Buffer.byteLength(text.toWellFormed())),
      ),
    );
  });
});
