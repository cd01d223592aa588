import { expect, test } from "bun:test";
import { createPresenceAsks } from "../../src/hub/presence-asks.ts";
import { fakeClock } from "../support/fake-clock.ts";

function start(count: number) {
  const clock = fakeClock(0, async () => {});
  const watched = new Map(
    Array.from({ length: count }, (_, i) => [`u${i}`, { identity: { tenant: "t", user: `u${i}` } }]),
  );
  const asked: string[] = [];
  const checked: string[] = [];
  const asks = createPresenceAsks({
    ...{ clock, watched },
    ask: ({ user }) => void asked.push(user),
    check: ({ user }) => void checked.push(user),
  });
  return { clock, watched, asks, asked, checked };
}

test("H56 all are asked about, a hundred every 50 ms", async () => {
  const { clock, asks, asked } = start(250);
  asks.askAll();
  expect([asked.length, asks.isAsking()]).toEqual([0, true]);
  for (const [ms, sum] of [
    [49, 0],
    [1, 100],
    [49, 100],
    [1, 200],
    [50, 250],
  ] as const) {
    await clock.advance(ms);
    expect(asked.length).toBe(sum);
  }
  expect([asks.isAsking(), new Set(asked).size]).toEqual([false, 250]);
  await clock.advance(1_000);
  expect(asked.length).toBe(250);
});

test("H56 a new round takes the place of one that is under way", async () => {
  const { clock, asks, asked } = start(250);
  asks.askAll();
  await clock.advance(50);
  asks.askAll();
  await clock.advance(50);
  expect(asked.length).toBe(200);
  await clock.advance(1_000);
  expect([asked.length, asks.isAsking()]).toEqual([350, false]);
  asks.askAll();
  asks.stop();
  await clock.advance(1_000);
  expect([asked.length, asks.isAsking()]).toEqual([350, false]);
});

test("H56 once a minute a round of checks begins, which goes on with each beat", async () => {
  const { clock, asks, asked, checked } = start(150);
  asks.beat();
  await clock.advance(59_999);
  asks.beat();
  expect(checked.length).toBe(0);
  await clock.advance(1);
  asks.beat();
  expect([checked.length, asked.length]).toEqual([100, 100]);
  asks.beat();
  expect(checked.length).toBe(150);
  // The round has ended, and the next one is due a minute after it began.
  asks.beat();
  await clock.advance(59_999);
  asks.beat();
  expect(checked.length).toBe(150);
  await clock.advance(1);
  asks.beat();
  expect(checked.length).toBe(250);
});
