import { expect, test } from "bun:test";
import { createLogAge } from "../../src/push/log-age.ts";
import { fakeClock } from "../support/fake-clock.ts";

const start = 1_000;

/** Notes each position after so many milliseconds. */
async function noted(notes: readonly (readonly [afterMs: number, n: number])[]) {
  const clock = fakeClock(start, async () => {});
  const age = createLogAge(clock, { stepMs: 100, keptMs: 500 });
  for (const [afterMs, n] of notes) {
    await clock.advance(afterMs);
    age.note(n);
  }
  return { clock, age };
}

test("R8 a position is as old as the end of its step, and never taken for older", async () => {
  const { clock, age } = await noted([
    [50, 5],
    [20, 6],
    [100, 7],
  ]);
  // 5 and 6 count as of 1100, 7 as of 1200.
  expect([age.of(5), age.of(6), age.of(7), age.of(8)]).toEqual([70, 70, 0, 0]);
  await clock.advance(30);
  expect([age.reached(0), age.reached(1), age.reached(100), age.reached(101)]).toEqual([7, 6, 6, 0]);
});

test("U1 a position that was reached before does not become younger", async () => {
  const { clock, age } = await noted([
    [0, 9],
    [200, 9],
    [0, 4],
  ]);
  await clock.advance(100);
  expect([age.of(9), age.of(4)]).toEqual([300, 300]);
  expect([age.reached(100), age.reached(300), age.reached(301)]).toEqual([9, 9, 0]);
});

test("R10 old positions are forgotten, except the newest of them", async () => {
  const { clock, age } = await noted([
    [0, 1],
    [100, 2],
    [100, 3],
    [700, 4],
  ]);
  // 1 and 2 are forgotten: for them the age of 3 holds, which is old enough.
  expect([age.of(1), age.of(2), age.of(3)]).toEqual([700, 700, 700]);
  expect([age.reached(700), age.reached(701)]).toEqual([3, 0]);
  await clock.advance(0);
});
