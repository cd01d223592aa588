import { describe, expect, test } from "bun:test";
import { createFeed } from "../../src/feed/feed.ts";
import type { CommitNotice } from "../../src/feed/commit-notices.ts";
import { type Clock, systemClock } from "../../src/internal/clock.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { LogEntry } from "../../src/model.ts";
import type { Commit } from "../../src/store/store.ts";

const epoch = "first";

const entry = (n: number): LogEntry => ({
  tenant: "t",
  users: ["alice", "bob"],
  change: {
    ...{ kind: "message", n, conversation: "c1", seq: n, id: `id-${n}`, from: "alice", to: "bob", time: 1, text: "x" },
  },
});
const entries = (from: number, to: number): readonly LogEntry[] =>
  Array.from({ length: to - from }, (_, i) => entry(from + 1 + i));

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
};

/** A log up to a head, whose reads and whose answered senders a test holds up; nobody polls. */
async function start(clock: Clock = systemClock) {
  const state = { head: 0, reads: 0, read: Promise.resolve(), settled: Promise.resolve() };
  let announce: (commit: Commit) => void = () => {};
  let hear: (hint: CommitNotice) => void = () => {};
  const feed = createFeed({
    store: {
      head: async () => ({ epoch, n: state.head }),
      async log(after, limit) {
        state.reads++;
        const upTo = Math.min(state.head, after + limit);
        await state.read;
        return { entries: entries(after, upTo), upTo, more: false };
      },
      onCommit: (listener) => void (announce = listener),
      settled: () => state.settled,
      cannotRead() {},
    },
    clock,
    limits: { ...defaultLimits, headPollMs: 1_000_000 },
    hints: {
      follow() {},
      announce() {},
      onGap() {},
      stop() {},
      onUnknown() {},
      onHint: (listener) => void (hear = listener),
    },
  });
  const told: number[] = [];
  feed.onEntries((list) => told.push(...list.map(({ change }) => change.n)));
  await feed.start();
  return {
    ...{ feed, state, told },
    hear: (hint: Omit<CommitNotice, "epoch">): void => hear({ ...hint, epoch }),
    commit: (from: number, to: number): void => {
      state.head = Math.max(state.head, to);
      announce({ from, to, entries: entries(from, to) });
    },
  };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("two things at once in the feed", () => {
  test("F1 F10 a commit that follows on while the log is read is told once, in its order", async () => {
    const { feed, state, told, hear, commit } = await start();
    const gate = Promise.withResolvers<void>();
    state.read = gate.promise;
    state.head = 8;
    hear({ from: 0, to: 8 });
    // The same commit comes with its rows as well, while the read is on its way.
    hear({ from: 0, to: 5, entries: entries(0, 5) });
    gate.resolve();
    await turns();
    commit(8, 9);
    expect(told).toEqual(upTo(9));
    expect(feed.position()).toBe(9);
    feed.stop();
  });

  test("H3 what is read of the log is told once its own senders were answered", async () => {
    const { feed, state, told, hear } = await start();
    const gate = Promise.withResolvers<void>();
    state.settled = gate.promise;
    state.head = 3;
    hear({ from: 0, to: 3 });
    await turns();
    expect(told).toEqual([]);
    gate.resolve();
    await turns();
    expect(told).toEqual(upTo(3));
    feed.stop();
  });

  test("R1 F5 who announces what is not there makes nobody read again and again", async () => {
    const { feed, state, told, hear } = await start();
    state.head = 3;
    hear({ from: 0, to: 1_000 });
    await turns(100);
    expect(told).toEqual(upTo(3));
    expect(state.reads).toBeLessThanOrEqual(2);
    feed.stop();
  });

  test("O10 F5 a hint without rows that comes just as a gap was read waits for no poll", async () => {
    let onTurn = (): void => {};
    const { feed, state, told, hear } = await start({
      ...systemClock,
      defer: (task) =>
        void setImmediate(() => {
          task();
          void Promise.resolve().then(() => onTurn());
        }),
    });
    state.head = 3;
    onTurn = () => {
      onTurn = () => {};
      state.head = 7;
      hear({ from: 3, to: 7 });
    };
    hear({ from: 0, to: 3 });
    await turns();
    expect(told).toEqual(upTo(7));
    feed.stop();
  });
});
