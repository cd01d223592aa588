import { expect, test } from "bun:test";
import { backoffMs } from "../../src/internal/backoff.ts";

const [lowest, highest] = [0, 2 ** 52 - 1].map((value) => ({ integer: () => value }));

test("a wait doubles with each attempt up to its maximum, and is at least half of that", () => {
  for (const [attempt, ms] of [50, 100, 200, 400, 400].entries()) {
    const options = { attempt, minMs: 50, maxMs: 400 };
    expect(lowest && backoffMs(lowest, options)).toBe(ms / 2);
    expect(highest && backoffMs(highest, options)).toBeCloseTo(ms, 6);
  }
});

test("a wait stays finite after any number of attempts", () => {
  expect(highest && backoffMs(highest, { attempt: 1e9, minMs: 1, maxMs: 60_000 })).toBeLessThanOrEqual(60_000);
});
