import { expect, test } from "bun:test";
import { createCommitHealth } from "../../../src/store/write/commit-health.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function start() {
  const clock = fakeClock(0, async () => {});
  const state = { probes: 0, timers: 0 };
  const after = (ms: number, task: () => void) => (state.timers++, clock.after(ms, task));
  const health = createCommitHealth({ clock: { after }, probeMsMax: 100, onProbe: () => void state.probes++ });
  return { clock, health, state };
}
const damage = Object.assign(new Error("x"), { code: "SQLITE_CORRUPT" });

test("S12 after a failure nothing is taken until a probe has succeeded, and probes come later and later", async () => {
  const { clock, health, state } = start();
  expect([health.isOpen(), health.isAvailable(), health.isProbeDue()]).toEqual([true, true, false]);
  for (const [delayMs, probes] of [
    [20, 1],
    [40, 2],
    [80, 3],
    [100, 4],
    [100, 5],
  ] as const) {
    health.failed(new Error("x"));
    await clock.advance(delayMs - 1);
    expect([health.isOpen(), health.isProbeDue(), state.probes]).toEqual([false, false, probes - 1]);
    await clock.advance(1);
    expect([health.isOpen(), health.isProbeDue(), state.probes]).toEqual([false, true, probes]);
  }
  health.succeeded();
  expect([health.isOpen(), health.isProbeDue()]).toEqual([true, false]);
  // The next failure begins with a short delay again.
  health.failed(new Error("x"));
  await clock.advance(20);
  expect(state.probes).toBe(6);
});

test("S12 a commit that succeeds before its probe is due makes the probe needless", async () => {
  const { clock, health, state } = start();
  health.failed(new Error("x"));
  health.succeeded();
  await clock.advance(1_000);
  expect([health.isOpen(), state.probes]).toEqual([true, 0]);
});

test("D26 D30 a damaged database, and a history that has ended, take nothing ever again", async () => {
  for (const end of ["failed", "end"] as const) {
    const { clock, health, state } = start();
    if (end === "failed") health.failed(damage);
    else health.end();
    health.failed(new Error("x"));
    health.succeeded();
    await clock.advance(1_000);
    expect([health.isOver(), health.isAvailable(), health.isProbeDue(), state.probes]).toEqual([true, false, false, 0]);
  }
});

test("R5 a writer that is closed takes nothing more, and makes no probe", async () => {
  const { clock, health, state } = start();
  health.failed(new Error("x"));
  health.close();
  await clock.advance(1_000);
  expect([health.isClosed(), health.isOpen(), health.isProbeDue(), state.probes]).toEqual([true, false, false, 0]);
  const other = start();
  other.health.close();
  // What was taken before goes on.
  expect([other.health.isOpen(), other.health.isAvailable()]).toEqual([false, true]);
  other.health.failed(new Error("x"));
  await other.clock.advance(1_000);
  expect([other.state.probes, other.state.timers]).toEqual([0, 0]);
});
