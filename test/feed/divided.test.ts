import { afterAll, describe, expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import { nats } from "../../src/bus/nats/nats.ts";
import type { Transport } from "../../src/bus/transport.ts";
import { createCommitNotices } from "../../src/feed/commit-notices.ts";
import { createFeed } from "../../src/feed/feed.ts";
import { systemClock } from "../../src/internal/clock.ts";
import type { Entry, Identity, LogEntry } from "../../src/model.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Commit } from "../../src/store/store.ts";
import { until } from "../support/fake-socket.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { describeWith } from "../support/prerequisite.ts";

const epoch = "first";
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

const user = (name: string): Identity => ({ tenant: "t", user: name });

const message = (n: number, from: string, to: string): LogEntry => ({
  tenant: "t",
  users: [from, to],
  change: {
    ...{ kind: "message", n, conversation: `c-${from}-${to}`, seq: n + 1, id: `id-${n}`, from, to, time: 1 },
    text: "hi",
  },
});

/** A log in memory that several nodes follow. */
function createSharedLog() {
  const entries: LogEntry[] = [];
  return {
    entries,
    add: (...added: LogEntry[]): void => void entries.push(...added),
    head: (): number => entries.at(-1)?.change.n ?? 0,
  };
}

type SharedLog = ReturnType<typeof createSharedLog>;

/** A node on the log: `seen` has the positions of the entries that it was given, `texts` what came for it on the bus. */
async function startNode(
  log: SharedLog,
  { transport, isDivided = true }: { transport: Transport; isDivided?: boolean },
) {
  const texts: string[] = [];
  const watched: Transport = {
    ...transport,
    subscribe: (subject, listener) =>
      transport.subscribe(subject, (text) => {
        texts.push(text);
        listener(text);
      }),
  };
  let announce: (commit: Commit) => void = () => {};
  const feed = createFeed({
    store: {
      head: async () => ({ epoch, n: log.head() }),
      log: async (after) => ({
        entries: log.entries.filter(({ change }) => change.n > after),
        upTo: log.head(),
        more: false,
      }),
      onCommit: (listener) => void (announce = listener),
      settled: async () => {},
      cannotRead() {},
    },
    clock: systemClock,
    limits: { ...defaultLimits, headPollMs: 1_000_000 },
    notices: createCommitNotices(watched),
  });
  const seen: number[] = [];
  feed.onEntries((list) => seen.push(...list.map(({ change }) => change.n)));
  feed.divideWhile(() => isDivided);
  await feed.start();
  ends.push(async () => feed.stop());
  return {
    ...{ feed, seen, texts },
    commit(...entries: LogEntry[]): void {
      const from = log.head();
      log.add(...entries);
      announce({ from, to: log.head(), entries });
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 50));

type Bus = { readonly join: () => Transport; readonly ready: () => Promise<void> };

function describeDivided(name: string, open: () => Promise<Bus>): void {
  describe(`divided commits ${name}`, () => {
    test("F20: rows reach the nodes of their users and the followers of all; other nodes pass without rows or a read", async () => {
      const { join, ready } = await open();
      const log = createSharedLog();
      const writer = await startNode(log, { transport: join() });
      const bobs = await startNode(log, { transport: join() });
      const carols = await startNode(log, { transport: join() });
      const worker = await startNode(log, { transport: join() });
      bobs.feed.need(user("bob"));
      carols.feed.need(user("carol"));
      const endNeed = worker.feed.needAll();
      await ready();
      writer.commit(message(1, "alice", "bob"), message(2, "bob", "dave"), message(3, "erin", "dave"));
      writer.commit(message(4, "alice", "carol"));
      const nodes = [writer, bobs, carols, worker];
      await until(() => nodes.every(({ feed }) => feed.position() === 4));
      expect(nodes.map(({ seen }) => seen)).toEqual([[1, 2, 3, 4], [1, 2], [4], [1, 2, 3, 4]]);
      expect(nodes.map(({ feed }) => feed.counts().read)).toEqual([0, 0, 0, 0]);
      for (const text of carols.texts.slice(0, 1)) expect(text).not.toContain("alice");
      endNeed();
      bobs.feed.release(user("bob"));
      await ready();
      writer.commit(message(5, "alice", "bob"));
      await until(() => nodes.every(({ feed }) => feed.position() === 5));
      expect([bobs.seen, worker.seen, bobs.feed.counts().read]).toEqual([[1, 2], [1, 2, 3, 4], 0]);
    });

    test("F22: a node that divides nothing is understood", async () => {
      const { join, ready } = await open();
      const log = createSharedLog();
      const older = await startNode(log, { transport: join(), isDivided: false });
      const newer = await startNode(log, { transport: join() });
      await ready();
      older.commit(message(1, "alice", "bob"));
      await until(() => newer.feed.position() === 1);
      expect([newer.seen, newer.feed.counts().read]).toEqual([[1], 0]);
    });
  });
}

describeDivided("within a process", async () => ({ join: createLocalBus().connect, ready: settled }));

describeWith("nats-server", "between processes", () => {
  let server: Promise<NatsServer> | undefined;
  describeDivided("over NATS", async () => {
    server ??= startNats();
    const { url, stop } = await server;
    const all: Promise<void>[] = [];
    const prefix = `divided-${ends.length}`;
    if (!ends.includes(stop)) ends.unshift(stop);
    return {
      join() {
        const transport = nats({ servers: url, prefix });
        ends.push(() => transport.close());
        all.push(new Promise((resolve) => transport.onGap(resolve)));
        return transport;
      },
      async ready() {
        await Promise.all(all);
        await settled();
      },
    };
  });
});

/** A bus whose texts a test passes on by hand: to one node, and in any order. */
function createHeldBus() {
  const held: { readonly subject: string; readonly text: string }[] = [];
  const listeners = new Map<string, ((text: string) => void)[]>();
  const transport = (isWriter: boolean): Transport => ({
    publish: (subject, text) => void (isWriter && held.push({ subject: subject.join(" "), text })),
    subscribe(subject, listener) {
      const key = subject.join(" ");
      if (!isWriter) listeners.set(key, [...(listeners.get(key) ?? []), listener]);
      return () => {};
    },
    onGap() {},
    close: async () => {},
  });
  return {
    ...{ held, transport },
    pass: (subject: string, text: string): void => {
      for (const listener of listeners.get(subject) ?? []) listener(text);
    },
  };
}

/** A writer, and a node on which bob is. */
async function startTwo() {
  const bus = createHeldBus();
  const log = createSharedLog();
  const writer = await startNode(log, { transport: bus.transport(true) });
  const node = await startNode(log, { transport: bus.transport(false) });
  node.feed.need(user("bob"));
  return { ...bus, log, writer, node };
}

describe("divided commits on a bad bus", () => {
  test("F21: rows that come late, twice or in any order are put together once", async () => {
    const { held, pass, writer, node } = await startTwo();
    node.feed.need(user("carol"));
    writer.commit(message(1, "alice", "bob"), message(2, "bob", "carol"));
    writer.commit(message(3, "dave", "bob"));
    for (const { subject, text } of held.toReversed()) {
      pass(subject, text);
      pass(subject, text);
    }
    expect([node.seen, node.feed.counts()]).toEqual([[1, 2, 3], { applied: 2, read: 0 }]);
    for (const { subject, text } of held) pass(subject, text);
    expect([node.seen, node.feed.counts()]).toEqual([[1, 2, 3], { applied: 2, read: 0 }]);
  });

  test("F21: rows that do not come are read from the log", async () => {
    const { held, pass, writer, node } = await startTwo();
    writer.commit(message(1, "alice", "bob"));
    for (const { subject, text } of held) if (subject.startsWith("commits ")) pass(subject, text);
    expect(node.feed.position()).toBe(0);
    await until(() => node.feed.position() === 1);
    expect([node.seen, node.feed.counts().read]).toEqual([[1], 1]);
  });

  test("F21: a user who comes while a commit waits for an earlier one gets its rows from the log", async () => {
    const { held, pass, writer, node } = await startTwo();
    writer.commit(message(1, "alice", "bob"));
    const first = held.splice(0);
    writer.commit(message(2, "alice", "carol"));
    for (const { subject, text } of held) pass(subject, text);
    node.feed.need(user("carol"));
    for (const { subject, text } of first) pass(subject, text);
    await until(() => node.feed.position() === 2);
    expect([node.seen, node.feed.counts().read]).toEqual([[1, 2], 1]);
  });

  test("F21: a follower of all that begins while a commit waits gets it from the log", async () => {
    const { held, pass, writer, node } = await startTwo();
    writer.commit(message(1, "alice", "bob"));
    const first = held.splice(0);
    writer.commit(message(2, "alice", "carol"));
    for (const { subject, text } of held) pass(subject, text);
    node.feed.needAll();
    for (const { subject, text } of first) pass(subject, text);
    await until(() => node.feed.position() === 2);
    expect(node.seen).toEqual([1, 2]);
  });

  test("F22: a release that knows no divided commits reads them from the log", async () => {
    const { held, writer } = await startTwo();
    writer.commit(message(1, "alice", "bob"));
    const notice = held.find(({ subject }) => subject === `commits ${epoch}`)?.text ?? "";
    // It takes a notice without `entries` for one whose rows are in the store, and messages for a user by these fields.
    const fields = Object.keys(JSON.parse(notice) as object);
    expect(fields.slice(0, 2)).toEqual(["from", "to"]);
    expect(fields).not.toContain("entries");
    const rows = held.find(({ subject }) => subject.startsWith("user "))?.text ?? "";
    for (const field of ["frame", "ask", "check", "node"])
      expect(Object.keys(JSON.parse(rows) as object)).not.toContain(field);
  });

  test("F22: the texts of the release before are understood", async () => {
    const { pass, log, node } = await startTwo();
    log.add(message(2, "alice", "carol"));
    const entry =
      '{"tenant":"t","users":["alice","carol"],"change":{"kind":"message","n":2,"conversation":"c1","seq":3,"id":"i","from":"alice","to":"carol","text":"hi","time":1}}';
    pass(`commits ${epoch}`, `{"from":0,"to":2,"entries":[${entry}]}`);
    expect([node.seen, node.feed.counts()]).toEqual([[2], { applied: 1, read: 0 }]);
  });

  test("F23: an ended session, a block and a first message go to all nodes", async () => {
    const { held, pass, writer, node } = await startTwo();
    const of = (change: Entry): LogEntry => ({ tenant: "t", users: ["carol"], change });
    const firstMessage = message(3, "carol", "dave");
    writer.commit(
      of({ kind: "revocation", n: 1, user: "carol", reason: "" }),
      of({ kind: "relation", n: 2, user: "dave", contact: false, blocked: true }),
      { ...firstMessage, change: { ...firstMessage.change, seq: 1 } as Entry },
      message(4, "carol", "dave"),
    );
    for (const { subject, text } of held) pass(subject, text);
    expect([node.seen, node.feed.position(), node.feed.counts().read]).toEqual([[1, 2, 3], 4, 0]);
  });

  test("O11: an unknown kind in a divided commit is reported on every node", async () => {
    const bus = createHeldBus();
    const notices = createCommitNotices(bus.transport(false));
    const unknown: string[] = [];
    notices.follow(epoch);
    notices.onUnknown((kind) => void unknown.push(kind));
    bus.pass(`commits ${epoch}`, '{"from":1,"to":2,"kinds":["message","sticker"],"for":"AAAAAA","all":[]}');
    expect(unknown).toEqual(["sticker"]);
  });
});
