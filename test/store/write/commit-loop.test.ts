import { describe, expect, test } from "bun:test";
import { createCommitLoop } from "../../../src/store/write/commit-loop.ts";

/** A loop with `work` commits to make; each turn of the event loop begins when the test says so. */
function start(work: number) {
  const state = { work, commits: 0, faults: 0, fails: false, rests: 0 };
  const turns: (() => void)[] = [];
  const loop = createCommitLoop({
    clock: { defer: (task) => void turns.push(task) },
    hasWork: () => state.work > 0,
    commit: async () => {
      state.work--;
      state.commits++;
      if (state.fails) throw new Error("planted");
    },
    onFault: () => void state.faults++,
    onIdle: () => void state.rests++,
  });
  const turn = async (): Promise<void> => {
    for (const task of turns.splice(0)) task();
    await Bun.sleep(0);
  };
  return { loop, state, turn };
}

describe("the commit loop", () => {
  test("commits once a turn for as long as there is work", async () => {
    const { loop, state, turn } = start(3);
    loop.schedule();
    loop.schedule();
    expect([state.commits, loop.isScheduled()]).toEqual([0, true]);
    for (const commits of [1, 2, 3]) {
      await turn();
      expect(state.commits).toBe(commits);
    }
    expect(loop.isScheduled()).toBe(false);
  });

  test("E47 tells once that nothing waits, in the turn after the last commit", async () => {
    const { loop, state, turn } = start(2);
    loop.schedule();
    await turn();
    expect(state.rests).toBe(0);
    await turn();
    expect([state.commits, state.rests]).toEqual([2, 0]);
    await turn();
    expect(state.rests).toBe(1);
  });

  test("E47 does not tell where more has come meanwhile", async () => {
    const { loop, state, turn } = start(1);
    loop.schedule();
    await turn();
    state.work = 1;
    loop.schedule();
    await turn();
    expect([state.commits, state.rests]).toEqual([2, 0]);
  });

  test("schedules nothing without work", () => {
    const { loop } = start(0);
    loop.schedule();
    expect(loop.isScheduled()).toBe(false);
  });

  test("goes on behind a commit that throws, and reports it", async () => {
    const { loop, state, turn } = start(2);
    state.fails = true;
    loop.schedule();
    await turn();
    await turn();
    expect([state.commits, state.faults]).toEqual([2, 2]);
    await loop.settled();
  });
});
