import { describe, expect, test } from "bun:test";
import type { CommitNotice } from "../../src/feed/commit-notices.ts";
import { createFeed, type FeedOptions } from "../../src/feed/feed.ts";
import { withoutNeeds } from "../support/without-needs.ts";
import { type Clock, systemClock } from "../../src/internal/clock.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Commit } from "../../src/store/store.ts";
import type { LogEntry } from "../../src/model.ts";
import { until } from "../support/fake-socket.ts";

type FakeOptions = {
  readonly headPollMs?: number;
  readonly clock?: Clock;
  readonly beforeRead?: (limit: number) => Promise<void>;
  readonly entries?: readonly LogEntry[];
};

/** A log, without entries where none are given. A test sets the head, and announces commits. */
function fakeLog(options: FakeOptions = {}) {
  const { headPollMs = 1_000_000, clock = systemClock, beforeRead = async () => {}, entries = [] } = options;
  const state = { head: { epoch: "first", n: 0 } };
  let announce: (commit: Commit) => void = () => {};
  const store: FeedOptions["store"] = {
    head: async () => state.head,
    async log(after, limit) {
      const { n } = state.head;
      await beforeRead(limit);
      const upTo = Math.min(n, after + limit);
      const read = entries.filter(({ change }) => change.n > after && change.n <= upTo);
      return { entries: read, upTo, more: upTo < n };
    },
    onCommit: (listener) => void (announce = listener),
    settled: async () => {},
    cannotRead() {},
  };
  const limits = { ...defaultLimits, headPollMs };
  let receive: (notice: CommitNotice) => void = () => {};
  const announced: CommitNotice[] = [];
  const followed: string[] = [];
  let gap = (): void => {};
  const notices = {
    follow: (epoch: string) => void followed.push(epoch),
    stop: () => void followed.push("stopped"),
    announce: (notice: CommitNotice) => void announced.push(notice),
    onNotice: (listener: typeof receive) => void (receive = listener),
    onGap: (listener: () => void) => void (gap = listener),
    onUnknown() {},
    ...withoutNeeds,
  };
  const feed = createFeed({ store, clock, limits, notices });
  const commit = (from: number, to: number): void => {
    state.head = { ...state.head, n: to };
    announce({ from, to, entries: [] });
  };
  return {
    feed,
    state,
    commit,
    announced,
    followed,
    gap: () => gap(),
    receive: (notice: CommitNotice): void => receive(notice),
  };
}

describe("feed", () => {
  test("F1 a commit that follows is applied at once, a gap is read from the log", async () => {
    const { feed, commit } = fakeLog();
    const seen: number[] = [];
    await feed.start();
    feed.onEntries((_, upTo) => seen.push(upTo));
    commit(0, 3);
    expect(feed.position()).toBe(3);
    commit(5, 8);
    await until(() => feed.position() === 8);
    commit(6, 8);
    expect(seen).toEqual([3, 8]);
    feed.stop();
  });

  test("F9 a gap in the notices reads the head at once; notices of its own history are received until it stops", async () => {
    const { feed, state, followed, gap } = fakeLog();
    await feed.start();
    state.head = { epoch: "first", n: 4 };
    gap();
    await until(() => feed.position() === 4);
    feed.stop();
    expect(followed).toEqual(["first", "stopped"]);
  });

  test("F9 a feed that stops while it starts follows no notices", async () => {
    const { feed, state, followed, gap } = fakeLog();
    const started = feed.start();
    feed.stop();
    await started;
    state.head = { epoch: "first", n: 4 };
    gap();
    expect([followed, feed.counts().read]).toEqual([["stopped"], 0]);
  });

  test("F5 a notice of another node is applied; without entries it is read from the log", async () => {
    const { feed, state, commit, announced, receive } = fakeLog();
    await feed.start();
    const seen: number[] = [];
    feed.onEntries((_, upTo) => seen.push(upTo));
    const epoch = "first";
    receive({ from: 0, to: 2, epoch, entries: [] });
    expect(feed.position()).toBe(2);
    receive({ from: 2, to: 9, epoch: "another", entries: [] });
    receive({ from: 0, to: 2, epoch, entries: [] });
    expect(feed.position()).toBe(2);
    state.head = { epoch, n: 6 };
    receive({ from: 2, to: 6, epoch });
    await until(() => feed.position() === 6);
    receive({ from: 1, to: 5, epoch });
    expect(seen).toEqual([2, 6]);
    expect(announced).toEqual([]);
    commit(6, 8);
    expect(announced).toEqual([{ from: 6, to: 8, epoch, entries: [] }]);
    feed.stop();
  });

  test("F10 early commits wait a moment for the ones that they follow, and are applied without a read", async () => {
    const { feed, state, commit, receive } = fakeLog();
    await feed.start();
    const seen: number[] = [];
    feed.onEntries((_, upTo) => seen.push(upTo));
    const epoch = "first";
    state.head = { epoch, n: 9 };
    receive({ from: 4, to: 6, epoch, entries: [] });
    receive({ from: 6, to: 9, epoch, entries: [] });
    receive({ from: 2, to: 4, epoch, entries: [] });
    expect(seen).toEqual([]);
    commit(0, 2);
    expect(seen).toEqual([2, 4, 6, 9]);
    expect(feed.counts()).toEqual({ applied: 4, read: 0 });
    // The commit before this one never comes.
    receive({ from: 11, to: 14, epoch, entries: [] });
    state.head = { epoch, n: 14 };
    expect(feed.position()).toBe(9);
    await until(() => feed.position() === 14);
    expect(feed.counts()).toEqual({ applied: 4, read: 1 });
    feed.stop();
  });

  test("F10 a commit that arrives while the log is read is not read too, if it follows", async () => {
    let release = (): void => {};
    const waiting = new Promise<void>((resolve) => (release = resolve));
    const { feed, state, receive } = fakeLog({ beforeRead: () => waiting });
    await feed.start();
    const epoch = "first";
    state.head = { epoch, n: 5 };
    receive({ from: 0, to: 5, epoch });
    receive({ from: 5, to: 8, epoch, entries: [] });
    receive({ from: 8, to: 9, epoch, entries: [] });
    release();
    await until(() => feed.position() === 9);
    expect(feed.counts()).toEqual({ applied: 2, read: 1 });
    feed.stop();
  });

  test("F2 a commit without a notice is found by the poll", async () => {
    const { feed, state } = fakeLog({ headPollMs: 10 });
    await feed.start();
    state.head = { ...state.head, n: 7 };
    await until(() => feed.position() === 7);
    feed.stop();
  });

  test("F1 a commit that lands as a fill ends is announced without waiting for the poll", async () => {
    let onTurn = (): void => {};
    const clock: Clock = {
      ...systemClock,
      defer: (task) =>
        void setImmediate(() => {
          task();
          void Promise.resolve().then(() => onTurn());
        }),
    };
    const { feed, commit } = fakeLog({ clock });
    await feed.start();
    onTurn = () => {
      onTurn = () => {};
      commit(10, 11);
    };
    commit(5, 10);
    await until(() => feed.position() === 11);
    feed.stop();
  });

  test("F4 a stretch that the store cannot answer at once is asked for in smaller ones", async () => {
    const asked: number[] = [];
    const beforeRead = async (limit: number): Promise<void> => {
      asked.push(limit);
      if (limit > 100) throw new Error("the answer is too large");
    };
    const { feed, state } = fakeLog({ headPollMs: 5, beforeRead });
    await feed.start();
    state.head = { ...state.head, n: 5_000 };
    await until(() => feed.position() === 5_000);
    expect(Math.max(...asked)).toBeGreaterThan(100);
    feed.stop();
  });

  test("F24 a change of a group that is longer than a read of the log is announced whole", async () => {
    const of = (change: LogEntry["change"]): LogEntry => ({ tenant: "t", users: [], change });
    const place = { conversation: "c7", seq: 1, from: "ann", text: "", time: 0 };
    const event = of({ kind: "message", ...place, n: 2, id: "id2", event: { type: "created" } });
    const membership = (n: number): LogEntry =>
      of({
        ...{ kind: "membership", n, conversation: "c7", user: `user${n}`, status: "member", role: "member" },
        ...{ first: 1, next: 1, joinedN: 1, read: 0 },
      });
    const members = Array.from({ length: 2_500 }, (_, i) => membership(3 + i));
    const { feed, state, gap } = fakeLog({ entries: [event, ...members] });
    const seen: string[] = [];
    await feed.start();
    feed.onEntries((entries, upTo) => seen.push(`${entries.length} up to ${upTo}`));
    state.head = { ...state.head, n: 6_000 };
    gap();
    await until(() => feed.position() === 6_000);
    expect(seen[0]).toBe("0 up to 1");
    expect(seen[1]).toStartWith("2501 up to ");
    feed.stop();
  });
});
