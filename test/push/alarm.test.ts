import { expect, test } from "bun:test";
import { createAlarm } from "../../src/push/alarm.ts";
import { fakeClock } from "../support/fake-clock.ts";

test("an alarm rings once, at the earliest time, and can be set again then", async () => {
  const clock = fakeClock();
  const rung: number[] = [];
  const start = clock.elapsed();
  const alarm = createAlarm(clock, () => rung.push(clock.elapsed() - start));
  for (const ms of [300, 100, 200]) alarm.setIn(ms);
  await clock.advance(400);
  expect(rung).toEqual([100]);
  alarm.setIn(50);
  await clock.advance(50);
  expect(rung).toEqual([100, 450]);
});

test("an alarm that was cancelled does not ring", async () => {
  const clock = fakeClock();
  let rings = 0;
  const alarm = createAlarm(clock, () => rings++);
  alarm.setIn(100);
  alarm.cancel();
  await clock.advance(200);
  expect(rings).toBe(0);
  alarm.setIn(100);
  await clock.advance(100);
  expect(rings).toBe(1);
});
