import { expect, test } from "bun:test";
import { createEarlyCommits } from "../../src/feed/early-commits.ts";
import { fakeClock } from "../support/fake-clock.ts";

const commit = (from: number, to: number) => ({ from, to, entries: [] });

function start() {
  const clock = fakeClock();
  const overdue: number[] = [];
  return { clock, overdue, early: createEarlyCommits(clock, (upTo) => void overdue.push(upTo)) };
}

test("F10 early commits are taken in their order, as soon as the position reaches them", () => {
  const { early } = start();
  early.add(commit(6, 9));
  early.add(commit(4, 6));
  expect(early.takeNext(2)).toBe(null);
  expect(early.takeNext(4)).toEqual(commit(4, 6));
  expect(early.takeNext(6)).toEqual(commit(6, 9));
  expect(early.takeNext(9)).toBe(null);
});

test("F10 early commits that wait too long are overdue together, once", async () => {
  const { clock, early, overdue } = start();
  early.add(commit(4, 6));
  await clock.advance(20);
  early.add(commit(8, 9));
  await clock.advance(1_000);
  expect(overdue).toEqual([9]);
  expect(early.takeNext(4)).toBe(null);
});

test("F10 commits behind the position are forgotten, and nothing is overdue then", async () => {
  const { clock, early, overdue } = start();
  early.add(commit(4, 6));
  expect(early.takeNext(7)).toBe(null);
  await clock.advance(1_000);
  expect(overdue).toEqual([]);
});

test("R1 the number of early commits is bounded", () => {
  const { early } = start();
  const added = Array.from({ length: 100 }, (_, i) => early.add(commit(10 + i, 11 + i)));
  expect([added[0], added.at(-1)]).toEqual([true, false]);
});
