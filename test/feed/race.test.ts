import { describe, expect, test } from "bun:test";
import { createFeed } from "../../src/feed/feed.ts";
import type { CommitNotice } from "../../src/feed/commit-notices.ts";
import { withoutNeeds } from "../support/without-needs.ts";
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

/** A log up to a head, without polls. A test can delay its reads, and the answers to senders. */
async function start(clock: Clock = systemClock) {
  const state = { head: 0, reads: 0, read: Promise.resolve(), settled: Promise.resolve() };
  let announce: (commit: Commit) => void = () => {};
  let receive: (notice: CommitNotice) => void = () => {};
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
    notices: {
      follow() {},
      announce() {},
      onGap() {},
      stop() {},
      onUnknown() {},
      ...withoutNeeds,
      onNotice: (listener) => void (receive = listener),
    },
  });
  const announced: number[] = [];
  feed.onEntries((list) => announced.push(...list.map(({ change }) => change.n)));
  await feed.start();
  return {
    ...{ feed, state, announced },
    receive: (notice: Omit<CommitNotice, "epoch">): void => receive({ ...notice, epoch }),
    commit: (from: number, to: number): void => {
      state.head = Math.max(state.head, to);
      announce({ from, to, entries: entries(from, to) });
    },
  };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("races in the feed", () => {
  test("F1 F10 a commit that follows while the log is read is announced once, in its order", async () => {
    const { feed, state, announced, receive, commit } = await start();
    const gate = Promise.withResolvers<void>();
    state.read = gate.promise;
    state.head = 8;
    receive({ from: 0, to: 8 });
    // The same commit comes with its rows as well, while the read is on its way.
    receive({ from: 0, to: 5, entries: entries(0, 5) });
    gate.resolve();
    await turns();
    commit(8, 9);
    expect(announced).toEqual(upTo(9));
    expect(feed.position()).toBe(9);
    feed.stop();
  });

  test("H3 entries read from the log are announced after the answers to their senders", async () => {
    const { feed, state, announced, receive } = await start();
    const gate = Promise.withResolvers<void>();
    state.settled = gate.promise;
    state.head = 3;
    receive({ from: 0, to: 3 });
    await turns();
    expect(announced).toEqual([]);
    gate.resolve();
    await turns();
    expect(announced).toEqual(upTo(3));
    feed.stop();
  });

  test("R1 F5 a notice of entries that do not exist causes no endless reads", async () => {
    const { feed, state, announced, receive } = await start();
    state.head = 3;
    receive({ from: 0, to: 1_000 });
    await turns(100);
    expect(announced).toEqual(upTo(3));
    expect(state.reads).toBeLessThanOrEqual(2);
    feed.stop();
  });

  test("O10 F5 a notice without entries that arrives at the end of a read waits for no poll", async () => {
    let onTurn = (): void => {};
    const { feed, state, announced, receive } = await start({
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
      receive({ from: 3, to: 7 });
    };
    receive({ from: 0, to: 3 });
    await turns();
    expect(announced).toEqual(upTo(7));
    feed.stop();
  });
});
