import { describe, expect, test } from "bun:test";
import { createTimer } from "../../../src/client/link/timer.ts";
import { fakeClock } from "../../support/fake-clock.ts";

describe("the timer of the link", () => {
  test("J27 shows a sleep by the clock on the wall, where the other one does not run meanwhile", async () => {
    const clock = fakeClock();
    const wall = { ahead: 0 };
    const late: number[] = [];
    const move = createTimer({ ...clock, now: () => clock.now() + wall.ahead }, (lateMs) => void late.push(lateMs));
    move(clock.elapsed() + 1_000);
    wall.ahead = 3_600_000;
    await clock.advance(1_000);
    expect(late).toEqual([3_600_000]);
    move(clock.elapsed() + 1_000);
    // The wall clock may be set back.
    wall.ahead = 0;
    await clock.advance(1_000);
    expect(late).toEqual([3_600_000, 0]);
  });

  test("J20 is one, fires once, and stops", async () => {
    const clock = fakeClock();
    let count = 0;
    const move = createTimer(clock, () => void count++);
    const now = clock.elapsed();
    for (const ms of [500, 100, 300, 300]) move(now + ms);
    await clock.advance(1_000);
    expect(count).toBe(1);
    move(now + 2_000);
    move(Infinity);
    await clock.advance(5_000);
    expect(count).toBe(1);
  });
});
