import { expect, test } from "bun:test";
import fc from "fast-check";
import { systemRandom } from "../../src/internal/random.ts";
import { createCursors, isCursor } from "../../src/protocol/cursor.ts";

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

test("O6 a cursor comes back unchanged, and all other texts are refused", () => {
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
});

test("Q86 the name of a history is the same on every node, another one for another history or secret, and no cursor", () => {
  const options = { secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom };
  const cursors = createCursors(options);
  expect(createCursors(options).history()).toBe(cursors.history());
  const others = [
    { epoch: "abcdefgi" },
    { epoch: "abcdefghabcdefgh" },
    { epoch: "abcdefghabcdefghabcdefgh" },
    { secret: "fedcba9876543210".repeat(4) },
  ];
  const names = [{}, ...others].map((other) => createCursors({ ...options, ...other }).history());
  expect(new Set(names).size).toBe(names.length);
  expect(cursors.decode(cursors.history())).toBeNull();
  expect(cursors.decode(`${cursors.history()}.1`)).toBeNull();
});

test("O11 a cursor keeps the level of its changes, and whether it is one of the undelivered list, also on another node", () => {
  const options = { secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom };
  const [first, second] = [createCursors(options), createCursors(options)];
  for (const position of [
    { n: 7 },
    { n: 7, level: 2 },
    { n: 2 ** 40 + 1, level: 16 },
    { n: 7, isList: true },
  ] as const) {
    const text = first.encode(position);
    expect([first.decode(text), second.decode(text)]).toEqual([position, position]);
  }
  // The lowest level is the one of a cursor without a level.
  expect(first.decode(first.encode({ n: 8, level: 1 }))).toEqual({ n: 8 });
});

test("T8 all recipients of a commit get one text, unless it is of the list or of another level", () => {
  const { encode } = createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom });
  expect(encode({ n: 3 })).toBe(encode({ n: 3 }));
  expect(encode({ n: 3, level: 2 })).not.toBe(encode({ n: 3 }));
  expect(encode({ n: 3, isList: true })).not.toBe(encode({ n: 3, isList: true }));
});

test("O6 only a change number that a cursor can hold is encoded", () => {
  const { encode } = createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom });
  for (const n of [-1, 0.5, Number.NaN, 2 ** 48, 2 ** 53]) expect(() => encode({ n })).toThrow(RangeError);
  expect(() => encode({ n: 2 ** 48 - 1 })).not.toThrow();
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
