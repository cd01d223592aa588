import { describe, expect, test } from "bun:test";
import { decodeCursor, encodeCursor } from "../../src/protocol/cursor.ts";
import { decodeFrame } from "../../src/protocol/decode.ts";
import type { ClientFrame } from "../../src/protocol/frame.ts";
import { fuzzInProcess } from "./in-process.ts";
import type { Findings } from "./target.ts";
import { decodeTarget } from "./target/decode.ts";
import { cursorTarget } from "./target/opaque.ts";

type Decode = typeof decodeFrame;

/** A decoder with a bug where a text says so. */
const planted =
  (bug: (data: string) => void): Decode =>
  (data, limits) => {
    if (typeof data === "string") bug(data);
    return decodeFrame(data, limits);
  };

const tryDecode = (decode: Decode): Promise<Findings> => decodeTarget(decode).try(1, 2_000);

/** Believes what it knows of a frame and says nothing of the rest. */
const lenient: Decode = (data, limits) => {
  const decoded = decodeFrame(data, limits);
  if (decoded.ok || typeof data !== "string") return decoded;
  try {
    const { type, id, to, conversation, text, seq, cursor, typing } = JSON.parse(data);
    return decodeFrame(JSON.stringify({ type, id, to, conversation, text, seq, cursor, typing }), limits);
  } catch {
    return decoded;
  }
};

describe("fuzz of every entry, in process", () => {
  test("R1 T2 O6 S9 nothing throws, blocks, pollutes, lets a foreign field through or comes back changed", async () => {
    const { cases, violations } = await fuzzInProcess(1, 30_000);
    expect(violations).toEqual([]);
    expect(cases).toBeGreaterThanOrEqual(30_000);
  });

  test("control: R1 a decoder that throws on one kind of frame is found", async () => {
    const { violations } = await tryDecode(
      planted((data) => {
        if (data.includes('"__proto__"')) throw new TypeError("planted");
      }),
    );
    expect(violations.join()).toContain("threw TypeError: planted");
  });

  test("control: R1 a decoder that takes too long for one kind of frame is found", async () => {
    const { violations } = await tryDecode(
      planted((data) => {
        if (data.includes("1e400")) Bun.sleepSync(60);
      }),
    );
    expect(violations.join()).toMatch(/took \d+ ms/);
  });

  test("control: R1 a decoder that merges what it was sent into its own objects is found", async () => {
    try {
      const { violations } = await tryDecode(
        planted((data) => {
          if (data.includes('"__proto__":{"polluted')) Object.assign(Object.prototype, { polluted: true });
        }),
      );
      expect(violations.join()).toContain("changed Object.prototype");
    } finally {
      Reflect.deleteProperty(Object.prototype, "polluted");
    }
  });

  test("control: T2 a decoder that ignores what it does not know, instead of refusing it, is found", async () => {
    expect((await tryDecode(lenient)).violations.join()).toContain("ignored fields of");
  });

  test("control: T2 a decoder that hands on what it does not know is found", async () => {
    const generous: Decode = (data, limits) => {
      const decoded = lenient(data, limits);
      if (!decoded.ok) return decoded;
      return { ok: true, frame: JSON.parse(String(data)) as ClientFrame };
    };
    expect((await tryDecode(generous)).violations.join()).toContain("let the unknown field");
  });

  test("control: O6 two texts that are one cursor, or a cursor out of range, are found", async () => {
    const careless = (text: string) => {
      const [epoch = "", digits = ""] = text.split(".");
      return epoch.length >= 8 ? { epoch, n: parseInt(digits, 36) } : decodeCursor(text);
    };
    const { violations } = await cursorTarget({ encode: encodeCursor, decode: careless }).try(1, 1_000);
    expect(violations.join()).toMatch(/is a second form of|was read as/);
  });
});
