import { describe, expect, test } from "bun:test";
import { createFeed } from "../../src/feed/feed.ts";
import { createCommitNotices, type CommitNotice } from "../../src/feed/commit-notices.ts";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { withoutNeeds } from "../support/without-needs.ts";
import type { LogEntry } from "../../src/model.ts";

const epoch = "first";

/** A message at a position of the log. */
const entry = (n: number, chars = 10): LogEntry => ({
  tenant: "t",
  users: ["alice", "bob"],
  change: {
    ...{ kind: "message", n, conversation: "c1", seq: n, id: `id-${n}`, from: "alice", to: "bob", time: 1 },
    text: "x".repeat(chars),
  },
});

/** The notices that another node receives of a commit, and the length of the longest text on the bus. */
function announce(notice: CommitNotice) {
  const clock = { ...systemClock, defer: (task: () => void) => task() };
  const bus = createLocalBus({ clock });
  const [here, there] = [bus.connect(), bus.connect()];
  const received: CommitNotice[] = [];
  let charsMax = 0;
  const notices = createCommitNotices(there);
  notices.follow(epoch);
  notices.onNotice((each) => void received.push(each));
  const watched = {
    ...here,
    publish: (subject: readonly string[], text: string): void => {
      charsMax = Math.max(charsMax, text.length);
      here.publish(subject, text);
    },
  };
  createCommitNotices(watched, { clock }).announce(notice);
  return { received, charsMax };
}

describe("commit notices", () => {
  test("F5 a commit is announced with its entries, and a notice without entries as it is", () => {
    const entries = [entry(3), entry(4)];
    expect(announce({ epoch, from: 2, to: 6, entries }).received).toEqual([{ epoch, from: 2, to: 6, entries }]);
    expect(announce({ epoch, from: 2, to: 6, entries: [] }).received).toEqual([{ epoch, from: 2, to: 6, entries: [] }]);
    expect(announce({ epoch, from: 2, to: 6 }).received).toEqual([{ epoch, from: 2, to: 6 }]);
  });

  const rows = JSON.stringify([entry(3)]);
  const malformed = [
    ...["", "null", "7", "[]", "{}", '{"from":1}', '{"from":2,"to":1}', '{"from":-1,"to":1}', '{"from":0.5,"to":1}'],
    ...[`{"from":3,"to":2,"entries":${rows}}`, '{"from":1,"to":2,"entries":{}}', '{"from":1,"to":2,"entries":[null]}'],
    '{"from":1,"to":2,"entries":[{"tenant":"t","users":["a"]}]}',
    '{"from":1,"to":2,"entries":[{"tenant":"t","users":[7],"change":{"kind":"message","n":2}}]}',
    '{"from":1,"to":2,"entries":[{"tenant":"t","users":["a"],"change":{"kind":"message","n":"2"}}]}',
  ];
  test("F5 F6 a text that is no notice is ignored", () => {
    const bus = createLocalBus({ clock: { defer: (task) => task() } });
    const [here, there] = [bus.connect(), bus.connect()];
    const received: CommitNotice[] = [];
    const notices = createCommitNotices(there);
    notices.follow(epoch);
    notices.onNotice((each) => void received.push(each));
    for (const text of malformed) {
      here.publish(["commits", epoch], text);
      expect([text, received]).toEqual([text, []]);
    }
    here.publish(["commits", epoch], `{"from":2,"to":3,"entries":${rows}}`);
    expect(received).toHaveLength(1);
  });

  test("O11 an entry of an unknown kind is reported; one of a known kind with other fields is read from the store", () => {
    const bus = createLocalBus({ clock: { defer: (task) => task() } });
    const [here, there] = [bus.connect(), bus.connect()];
    const [received, unknown]: [CommitNotice[], string[]] = [[], []];
    const notices = createCommitNotices(there);
    notices.follow(epoch);
    notices.onNotice((each) => void received.push(each));
    notices.onUnknown((kind) => void unknown.push(kind));
    const publish = (...changes: object[]): void => {
      const entries = changes.map((change) => ({ tenant: "t", users: ["alice"], change }));
      here.publish(["commits", epoch], JSON.stringify({ from: 1, to: 9, entries }));
    };
    const { change } = entry(2);
    for (const kind of ["sticker", "toString", "__proto__"]) publish(change, { kind, n: 3 });
    expect([unknown, received]).toEqual([["sticker", "toString", "__proto__"], []]);
    const { from: _, ...withoutSender } = { from: "", ...change };
    publish(withoutSender);
    publish({ ...change, text: 1 });
    publish({ kind: "receipt", n: 3, conversation: "c", user: "bob", delivered: 1 });
    expect(received).toEqual(Array.from({ length: 3 }, () => ({ epoch, from: 1, to: 9 })));
    publish({ ...change, more: "than this release knows" });
    expect(received.at(-1)?.entries).toHaveLength(1);
    expect(unknown).toHaveLength(3);
  });

  test("F11 a commit with many entries is announced in stretches, which follow each other and leave no entry out", () => {
    const entries = Array.from({ length: 100 }, (_, i) => entry(11 + i, 16_000));
    const { received, charsMax } = announce({ epoch, from: 10, to: 115, entries });
    expect(received.length).toBeGreaterThan(5);
    expect(received.map(({ from }) => from)).toEqual([10, ...received.slice(0, -1).map(({ to }) => to)]);
    expect(received.at(-1)?.to).toBe(115);
    expect(received.flatMap((each) => each.entries ?? [])).toEqual(entries);
    for (const { from, to, entries: rows = [] } of received)
      for (const { change } of rows) expect([change.n > from, change.n <= to]).toEqual([true, true]);
    expect(charsMax).toBeLessThan(270_000);
  });

  test("F24 a change of a group is announced in one text, or without its entries", () => {
    const event = (n: number): LogEntry => {
      const { change, ...rest } = entry(n);
      return { ...rest, change: { ...change, event: { type: "created" } } as LogEntry["change"] };
    };
    const long = [event(11), ...Array.from({ length: 40 }, (_, i) => entry(12 + i, 16_000))];
    expect(announce({ epoch, from: 10, to: 51, entries: long }).received).toEqual([{ epoch, from: 10, to: 51 }]);
    const short = [event(11), entry(12)];
    expect(announce({ epoch, from: 10, to: 12, entries: short }).received).toEqual([
      { epoch, from: 10, to: 12, entries: short },
    ]);
  });

  /** Announces two commits. `most`: the texts that were published in one turn, at most. */
  function announceTwo(defer: (task: () => void, turns: (() => void)[]) => void) {
    const turns: (() => void)[] = [];
    const published: { readonly to: number }[] = [];
    const transport = {
      publish: (_: readonly string[], text: string) => void published.push(JSON.parse(text) as { to: number }),
      subscribe: () => () => {},
      onGap: () => {},
      close: async () => {},
    };
    const notices = createCommitNotices(transport, { clock: { ...systemClock, defer: (task) => defer(task, turns) } });
    const rows = (count: number, first: number) => Array.from({ length: count }, (_, i) => entry(first + i, 16_000));
    notices.announce({ epoch, from: 0, to: 100, entries: rows(100, 1) });
    notices.announce({ epoch, from: 100, to: 101, entries: rows(1, 101) });
    let most = published.length;
    for (let turn = turns.shift(); turn; turn = turns.shift()) {
      const before = published.length;
      turn();
      most = Math.max(most, published.length - before);
    }
    return { most, ends: published.map(({ to }) => to) };
  }

  test("R40 the entries of a large commit are written over several turns, in the order of the commits", () => {
    const { most, ends } = announceTwo((task, turns) => void turns.push(task));
    expect(most).toBeLessThanOrEqual(2);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    expect([ends.length > 5, ends.at(-1)]).toEqual([true, 101]);
  });

  test("control: R40 a writer that does not wait for the next turn is found", () => {
    expect(announceTwo((task) => task()).most).toBeGreaterThan(2);
  });

  test("F11 a commit is cut only where every later entry has a higher n than every earlier one", () => {
    const entries = [1, 3, 2, 4, 9, 8, 7, 6, 5, 10].map((n) => entry(n, 100_000));
    const { received } = announce({ epoch, from: 0, to: 10, entries });
    expect(received.flatMap(({ from, to, entries: rows }) => [[from, to, rows?.length]])).toEqual([
      [0, 3, undefined],
      [3, 9, undefined],
      [9, 10, 1],
    ]);
  });

  test("F11 a feed applies the stretches in any order, without a read", async () => {
    const entries = Array.from({ length: 50 }, (_, i) => entry(1 + i, 16_000));
    const { received } = announce({ epoch, from: 0, to: 50, entries });
    let receive: (notice: CommitNotice) => void = () => {};
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
      notices: {
        follow() {},
        stop() {},
        announce() {},
        onGap() {},
        onUnknown() {},
        ...withoutNeeds,
        onNotice: (listener) => void (receive = listener),
      },
    });
    const seen: number[] = [];
    feed.onEntries((rows) => seen.push(...rows.map(({ change }) => change.n)));
    await feed.start();
    for (const notice of received.toReversed()) receive(notice);
    expect(seen).toEqual(entries.map(({ change }) => change.n));
    expect(feed.counts()).toEqual({ applied: received.length, read: 0 });
    feed.stop();
  });
});
