import { expect, test } from "bun:test";
import { Expiry } from "../../src/connection/expiry.ts";
import { fakeClock } from "../support/fake-clock.ts";

const now = 1_780_000_000_000;

/** The expiry of a session that ends after so many milliseconds, and how often it used a timer. */
function start(endsAfterMs: number | undefined) {
  const clock = fakeClock(now);
  const state = { timers: 0, ends: 0 };
  const after: typeof clock.after = (ms, task) => (state.timers++, clock.after(ms, task));
  const expiry = new Expiry({
    session: endsAfterMs === undefined ? {} : { expiresAt: now + endsAfterMs },
    context: { clock: { now: () => clock.now(), after } },
    onExpired: () => void state.ends++,
  });
  return { clock, expiry, state };
}

test("R45 H8 a session has a timer once its end is near, and ends in time", async () => {
  const { clock, expiry, state } = start(60_000);
  expiry.watch();
  for (let i = 0; i < 56; i++) {
    await clock.advance(1_000);
    expiry.beat();
  }
  expect([state.timers, expiry.hasEnded()]).toEqual([0, false]);
  for (let i = 0; i < 3; i++) {
    await clock.advance(1_000);
    expiry.beat();
  }
  await clock.advance(999);
  expect([state.timers, state.ends]).toEqual([1, 0]);
  await clock.advance(1);
  expect([state.ends, expiry.hasEnded()]).toEqual([1, true]);
});

test("H8 an end that moves away, or an expiry that is stopped, calls nobody", async () => {
  const moved = start(1_000);
  moved.expiry.watch();
  moved.expiry.move(undefined);
  const stopped = start(1_000);
  stopped.expiry.watch();
  stopped.expiry.stop();
  // One that is not watched yet, for its connection is opening.
  const opening = start(1_000);
  opening.expiry.beat();
  for (const { clock } of [moved, stopped, opening]) await clock.advance(5_000);
  expect([moved.state.ends, stopped.state.ends, opening.state.ends, moved.expiry.end()]).toEqual([0, 0, 0, undefined]);
  // One that ended while it was opening.
  opening.expiry.watch();
  expect(opening.state.ends).toBe(1);
});
