import { expect, test } from "bun:test";
import { createBadFrameCounter } from "../../src/connection/bad-frame-counter.ts";
import { fakeClock } from "../support/fake-clock.ts";

test("H10 P34 only the bad frames of the last minute count", async () => {
  const clock = fakeClock();
  const strikes = createBadFrameCounter({ clock, perMinuteMax: 10 });
  for (let i = 0; i < 40; i++) {
    expect(strikes.add()).toBe(false);
    await clock.advance(6_000);
  }
  for (let i = 0; i < 40; i++) strikes.add();
  expect(strikes.add()).toBe(true);
});
