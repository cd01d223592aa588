import { expect, test } from "bun:test";
import { createHookRun } from "../../src/hook/run.ts";
import { fakeClock } from "../support/fake-clock.ts";

function start() {
  const clock = fakeClock(0, async () => {});
  const run = createHookRun(clock, 7);
  const paused = async (ms: number, options?: { wantsNews: boolean }) => {
    let isOver = false;
    const pause = run.pause(ms, options).then(() => (isOver = true));
    await Promise.resolve();
    return { pause, isOver: async () => (await Bun.sleep(0), isOver) };
  };
  return { clock, run, paused };
}

test("K69 a pause ends after its time", async () => {
  const { clock, run, paused } = start();
  const { isOver } = await paused(100);
  await clock.advance(99);
  expect(await isOver()).toBe(false);
  await clock.advance(1);
  expect([await isOver(), run.goesOn(), run.handled, run.kept]).toEqual([true, true, 7, 7]);
});

test("K66 a pause that wants news ends with a new entry of the log, another one does not", async () => {
  const { clock, run, paused } = start();
  const retry = await paused(100);
  run.noteNews();
  expect(await retry.isOver()).toBe(false);
  await clock.advance(100);
  const news = await paused(Infinity, { wantsNews: true });
  await clock.advance(1_000_000);
  expect(await news.isOver()).toBe(false);
  run.noteNews();
  expect(await news.isOver()).toBe(true);
  run.noteNews();
});

test("K71 an end that begins wakes the pause, lets the call under way go on, and allows no other", async () => {
  const { run, paused } = start();
  const { isOver } = await paused(Infinity);
  run.beginEnd();
  expect([await isOver(), run.goesOn(), run.isEnded()]).toEqual([true, false, false]);
  // From now on a pause is over at once.
  await run.pause(Infinity);
  const other = start().run;
  let isAborted: boolean | undefined;
  await other.during(async ({ signal }) => {
    other.beginEnd();
    isAborted = signal.aborted;
  });
  expect(isAborted).toBe(false);
});

test("K71 K77 an end at once aborts the call under way", async () => {
  const { run, paused } = start();
  let isAborted: boolean | undefined;
  await run.during(async ({ signal }) => {
    run.end();
    isAborted = signal.aborted;
  });
  expect([isAborted, run.isEnded(), run.goesOn()]).toEqual([true, true, false]);
  run.beginEnd();
  expect(run.isEnded()).toBe(true);
  const second = start();
  const { isOver } = await second.paused(100);
  second.run.end();
  expect(await isOver()).toBe(true);
  await paused(0);
});

test("K69 a call that fails leaves the run able to pause again", async () => {
  const { clock, run, paused } = start();
  const failed: unknown = await run
    .during(async () => {
      throw new Error("planted");
    })
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ message: "planted" });
  const { isOver } = await paused(10);
  await clock.advance(10);
  expect(await isOver()).toBe(true);
});
