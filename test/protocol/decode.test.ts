import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8Bytes } from "../../src/internal/utf8.ts";
import { decodeConversation, encodeConversation } from "../../src/protocol/conversation-id.ts";
import { decodeCursor, encodeCursor } from "../../src/protocol/cursor.ts";
import { decodeFrame } from "../../src/protocol/decode.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const id = "0198abcd-0000-7000-8000-00000000000f";
const decode = (value: unknown) => decodeFrame(JSON.stringify(value), defaultLimits);
const kindOf = (value: unknown) => {
  const decoded = decode(value);
  return decoded.ok ? "ok" : `${decoded.kind} ${decoded.code}`;
};

describe("decodeFrame", () => {
  test("R1 no text and no bytes make it throw, and what comes out has only known fields", () => {
    const fields = { send: 5, ack: 2, read: 3, typing: 4, watch: 2, ping: 2 };
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
      },
      { requiredKeys: ["type"] },
    );
    fc.assert(fc.property(frame, (value) => check(JSON.stringify(value) ?? "")));
    for (const depth of ["[", '{"a":']) check(depth.repeat(defaultLimits.frameBytesMax / depth.length));
  });

  test("T2 a send is taken with exactly one target, an id and a text", () => {
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
    expect(kindOf({ type: "send", id: id.toUpperCase(), to: "bob", text: "hi" })).toBe("bad bad_frame");
    expect(kindOf({ type: "send", id, to: "bob" })).toBe("bad bad_frame");
  });

  test("S9 what a text may not hold is rejected under its id", () => {
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

describe("opaque forms", () => {
  test("O6 a cursor and a conversation id come back as they were, and nothing else is one", () => {
    const n = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(n, (n) =>
        expect(decodeCursor(encodeCursor({ epoch: "0123456789abcdef", n }))).toEqual({ epoch: "0123456789abcdef", n }),
      ),
    );
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
      expect(decodeCursor(text)).toBeNull();
    for (const text of ["", "c", "c0", "C1", "d1", "czzzzzzzzzzz", "czzzzzzzzzzzzz", "c1 "])
      expect(decodeConversation(text)).toBeNull();
  });

  test("S9 bytes of a text are counted as UTF-8 has them", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) =>
        expect(utf8Bytes(text.toWellFormed())).toBe(Buffer.byteLength(text.toWellFormed())),
      ),
    );
  });
});
