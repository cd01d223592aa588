import { expect, test } from "bun:test";
import { readSessionEnd } from "../../src/internal/session-end.ts";

const now = 1_780_000_000_000;

test("A37 an end is whole milliseconds, at most the last moment of a date", () => {
  expect(readSessionEnd(now + 0.9, now)).toBe(now);
  expect(readSessionEnd(Number.MAX_SAFE_INTEGER, now)).toBe(8.64e15);
  expect(readSessionEnd(-Number.MAX_SAFE_INTEGER, now)).toBe(-8.64e15);
  for (const wrong of [Number.NaN, Infinity, "1780000000000", null, new Date(), undefined])
    expect(readSessionEnd(wrong, now)).toBe("is malformed");
});

test("A37 plain seconds are refused; small numbers and those of a simulated clock are not", () => {
  const seconds = "is in seconds, not in milliseconds";
  expect([readSessionEnd(1e9, now), readSessionEnd(1e11 - 1, now)]).toEqual([seconds, seconds]);
  expect([readSessionEnd(1e9 - 1, now), readSessionEnd(1e11, now)]).toEqual([1e9 - 1, 1e11]);
  expect(readSessionEnd(1e9, 1e11 - 1)).toBe(1e9);
});
