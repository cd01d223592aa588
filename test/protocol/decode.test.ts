import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeFrame } from "../../src/protocol/decode.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

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
