import { describe, expect, test } from "bun:test";
import { createFeed } from "../../src/feed/feed.ts";
import { createCommitNotices, type CommitNotice } from "../../src/feed/commit-notices.ts";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { LogEntry } from "../../src/model.ts";

const epoch = "first";

/** A message at a place in the log. */
const entry = (n: number, chars = 10): LogEntry => ({
  tenant: "t",
  users: ["alice", "bob"],
  change: {
    ...{ kind: "message", n, conversation: "c1", seq: n, id: `id-${n}`, from: "alice", to: "bob", time: 1 },
    text: "x".repeat(chars),
  },
});

/** What another node hears of a commit, and how long the longest message on the bus was. */
function tell(hint: CommitNotice) {
  const clock = { defer: (task: () => void) => task() };
  const bus = createLocalBus({ clock });
  const [here, there] = [bus.connect(), bus.connect()];
  const heard: CommitNotice[] = [];
  let charsMax = 0;
  const hints = createCommitNotices(there);
  hints.follow(epoch);
  hints.onHint((each) => void heard.push(each));
  const watched = {
    ...here,
    publish: (subject: readonly string[], text: string): void => {
      charsMax = Math.max(charsMax, text.length);
      here.publish(subject, text);
    },
  };
  createCommitNotices(watched, { clock }).announce(hint);
  return { heard, charsMax };
}

describe("hints", () => {
  test("F5 a commit is told with its rows, and one without rows as it is", () => {
    const entries = [entry(3), entry(4)];
    expect(tell({ epoch, from: 2, to: 6, entries }).heard).toEqual([{ epoch, from: 2, to: 6, entries }]);
    expect(tell({ epoch, from: 2, to: 6, entries: [] }).heard).toEqual([{ epoch, from: 2, to: 6, entries: [] }]);
    expect(tell({ epoch, from: 2, to: 6 }).heard).toEqual([{ epoch, from: 2, to: 6 }]);
  });

  const rows = JSON.stringify([entry(3)]);
  const malformed = [
    ...["", "null", "7", "[]", "{}", '{"from":1}', '{"from":2,"to":1}', '{"from":-1,"to":1}', '{"from":0.5,"to":1}'],
    ...[`{"from":3,"to":2,"entries":${rows}}`, '{"from":1,"to":2,"entries":{}}', '{"from":1,"to":2,"entries":[null]}'],
    '{"from":1,"to":2,"entries":[{"tenant":"t","users":["a"]}]}',
    '{"from":1,"to":2,"entries":[{"tenant":"t","users":[7],"change":{"kind":"message","n":2}}]}',
    '{"from":1,"to":2,"entries":[{"tenant":"t","users":["a"],"change":{"kind":"message","n":"2"}}]}',
  ];
  test("F5 F6 what is no hint is left alone", () => {
    const bus = createLocalBus({ clock: { defer: (task) => task() } });
    const [here, there] = [bus.connect(), bus.connect()];
    const heard: CommitNotice[] = [];
    const hints = createCommitNotices(there);
    hints.follow(epoch);
    hints.onHint((each) => void heard.push(each));
    for (const text of malformed) {
      here.publish(["commits", epoch], text);
      expect([text, heard]).toEqual([text, []]);
    }
    here.publish(["commits", epoch], `{"from":2,"to":3,"entries":${rows}}`);
    expect(heard).toHaveLength(1);
  });

  test("O11 an entry of a kind that is not known is told as such; one of a known kind that is not as it is here is read from the store", () => {
    const bus = createLocalBus({ clock: { defer: (task) => task() } });
    const [here, there] = [bus.connect(), bus.connect()];
    const [heard, unknown]: [CommitNotice[], string[]] = [[], []];
    const hints = createCommitNotices(there);
    hints.follow(epoch);
    hints.onHint((each) => void heard.push(each));
    hints.onUnknown((kind) => void unknown.push(kind));
    const tellOf = (...changes: object[]): void => {
      const entries = changes.map((change) => ({ tenant: "t", users: ["alice"], change }));
      here.publish(["commits", epoch], JSON.stringify({ from: 1, to: 9, entries }));
    };
    const { change } = entry(2);
    for (const kind of ["group", "toString", "__proto__"]) tellOf(change, { kind, n: 3 });
    expect([unknown, heard]).toEqual([["group", "toString", "__proto__"], []]);
    const { to: _, ...toNobody } = { to: "", ...change };
    tellOf(toNobody);
    tellOf({ ...change, text: 1 });
    tellOf({ kind: "receipt", n: 3, conversation: "c", user: "bob", delivered: 1 });
    expect(heard).toEqual(Array.from({ length: 3 }, () => ({ epoch, from: 1, to: 9 })));
    tellOf({ ...change, more: "than is known" });
    expect(heard.at(-1)?.entries).toHaveLength(1);
    expect(unknown).toHaveLength(3);
  });

  test("F11 a commit with many rows is told in stretches, which follow on each other and leave no row out", () => {
    const entries = Array.from({ length: 100 }, (_, i) => entry(11 + i, 16_000));
    const { heard, charsMax } = tell({ epoch, from: 10, to: 115, entries });
    expect(heard.length).toBeGreaterThan(5);
    expect(heard.map(({ from }) => from)).toEqual([10, ...heard.slice(0, -1).map(({ to }) => to)]);
    expect(heard.at(-1)?.to).toBe(115);
    expect(heard.flatMap((each) => each.entries ?? [])).toEqual(entries);
    for (const { from, to, entries: rows = [] } of heard)
      for (const { change } of rows) expect([change.n > from, change.n <= to]).toEqual([true, true]);
    expect(charsMax).toBeLessThan(270_000);
  });

  /** Where two commits are told to, how many texts at most in one turn. */
  function tellTwo(defer: (task: () => void, turns: (() => void)[]) => void) {
    const turns: (() => void)[] = [];
    const told: { readonly to: number }[] = [];
    const transport = {
      publish: (_: readonly string[], text: string) => void told.push(JSON.parse(text) as { to: number }),
      subscribe: () => () => {},
      onGap: () => {},
      close: async () => {},
    };
    const hints = createCommitNotices(transport, { clock: { defer: (task) => defer(task, turns) } });
    const rows = (count: number, first: number) => Array.from({ length: count }, (_, i) => entry(first + i, 16_000));
    hints.announce({ epoch, from: 0, to: 100, entries: rows(100, 1) });
    hints.announce({ epoch, from: 100, to: 101, entries: rows(1, 101) });
    let most = told.length;
    for (let turn = turns.shift(); turn; turn = turns.shift()) {
      const before = told.length;
      turn();
      most = Math.max(most, told.length - before);
    }
    return { most, ends: told.map(({ to }) => to) };
  }

  test("R40 the rows of a large commit are written over several turns, in the order of the commits", () => {
    const { most, ends } = tellTwo((task, turns) => void turns.push(task));
    expect(most).toBeLessThanOrEqual(2);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    expect([ends.length > 5, ends.at(-1)]).toEqual([true, 101]);
  });

  test("control: R40 a writer that does not wait for the next turn is found", () => {
    expect(tellTwo((task) => task()).most).toBeGreaterThan(2);
  });

  test("F11 a commit is cut only where all that follows comes after all that was", () => {
    const entries = [1, 3, 2, 4, 9, 8, 7, 6, 5, 10].map((n) => entry(n, 100_000));
    const { heard } = tell({ epoch, from: 0, to: 10, entries });
    expect(heard.flatMap(({ from, to, entries: rows }) => [[from, to, rows?.length]])).toEqual([
      [0, 3, undefined],
      [3, 9, undefined],
      [9, 10, 1],
    ]);
  });

  test("F11 a feed applies the stretches in whatever order they come, without a read", async () => {
    const entries = Array.from({ length: 50 }, (_, i) => entry(1 + i, 16_000));
    const { heard } = tell({ epoch, from: 0, to: 50, entries });
    let hear: (hint: CommitNotice) => void = () => {};
    const feed = createFeed({
      store: {
        head: async () => ({ epoch, n: 0 }),
        log: async () => Promise.reject(new Error("read")),
        onCommit: () => {},
        settled: async () => {},
        cannotRead() {},
      },
      clock: systemClock,
      limits: { ...defaultLimits, headPollMs: 1_000_000 },
      hints: {
        follow() {},
        stop() {},
        announce() {},
        onGap() {},
        onUnknown() {},
        onHint: (listener) => void (hear = listener),
      },
    });
    const seen: number[] = [];
    feed.onEntries((rows) => seen.push(...rows.map(({ change }) => change.n)));
    await feed.start();
    for (const hint of heard.toReversed()) hear(hint);
    expect(seen).toEqual(entries.map(({ change }) => change.n));
    expect(feed.counts()).toEqual({ applied: heard.length, read: 0 });
    feed.stop();
  });
});
