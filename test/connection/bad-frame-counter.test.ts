import { expect, test } from "bun:test";
import { BadFrameCounter } from "../../src/connection/bad-frame-counter.ts";
import { fakeClock } from "../support/fake-clock.ts";

test("H10 P34 only the bad frames of the last minute count", async () => {
  const clock = fakeClock();
  const strikes = new BadFrameCounter(clock);
  for (let i = 0; i < 40; i++) {
    expect(strikes.add(10)).toBe(false);
    await clock.advance(6_000);
  }
  for (let i = 0; i < 40; i++) strikes.add(10);
  expect(strikes.add(10)).toBe(true);
});
