import { describe, expect, test } from "bun:test";
import type { ClientFrame } from "../../../src/protocol/frame.ts";
import type { StorageState } from "../../../src/client/api.ts";
import { createClient } from "../../../src/client/client.ts";
import { createSource } from "../../../src/client/readable.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createCounts } from "../../../src/client/sync/counts.ts";
import { createInbox } from "../../../src/client/sync/inbox.ts";
import { createKeeper } from "../../../src/client/sync/keeper.ts";
import { createListPages } from "../../../src/client/sync/list-pages.ts";
import { createOutbox } from "../../../src/client/sync/outbox.ts";
import type { ListPage } from "../../../src/client/sync/pages.ts";
import { createSender } from "../../../src/client/sync/sender.ts";
import { createWindow } from "../../../src/client/sync/window.ts";
import type { Vault } from "../../../src/client/vault/contract.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import type { ConversationRow, MessageRow, OutboxRow } from "../../../src/client/vault/rows.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { keepNothing } from "./keeping.ts";
import { conversationRow, messageRow, writtenOf } from "./rows.ts";

const fail = (): never => {
  throw new Error("not used");
};
const keeper = keepNothing();
const onFault = (fault: unknown): void => {
  throw fault;
};

describe("threads", () => {
  const open = () =>
    createClient({
      ...{ url: "http://127.0.0.1:1", user: "alice", storage: memory(), onFault() {} },
      authenticate: async () => null,
    });

  test("J16 those that are not shown are freed when many others were opened, and those that are shown stay", async () => {
    const client = open();
    client.retain();
    await Bun.sleep(0);
    const [shown, hidden] = [client.thread({ with: "shown" }), client.thread({ with: "hidden" })];
    shown.state.subscribe(() => {});
    for (let i = 0; i < 200; i++) client.thread({ with: `user${i}` });
    expect(client.thread({ with: "shown" })).toBe(shown);
    expect(client.thread({ with: "hidden" })).not.toBe(hidden);
    await client.close();
  });

  test("J16 one that was freed works again when it is shown again", async () => {
    const client = open();
    client.retain();
    await Bun.sleep(0);
    const thread = client.thread({ with: "bob" });
    await thread.send("one").kept;
    thread.draft.set("half");
    for (let i = 0; i < 200; i++) client.thread({ with: `user${i}` });
    const end = thread.state.subscribe(() => {});
    await thread.send("two").kept;
    expect(thread.state.get().rows.map(({ text }) => text)).toEqual(["one", "two"]);
    expect(client.thread({ with: "bob" })).toBe(thread);
    end();
    await client.close();
  });
});

test("J8 a thread that was opened without a network shows the first message of its conversation", async () => {
  let found: ConversationRow | "unreachable" = "unreachable";
  const cache = createCache();
  const [message, row] = [messageRow("c1", 1), conversationRow(1)];
  const window = createWindow({
    ...{ cache, onChange() {}, onFault },
    find: async () => found,
    history: { load: async () => [message] },
  });
  window.show("newest");
  await Bun.sleep(0);
  expect(window.state()).toMatchObject({ before: "unreachable", messages: [] });
  found = row;
  cache.hold(row);
  window.changed(row, [message]);
  await Bun.sleep(0);
  expect(window.state()).toMatchObject({ messages: [message], before: "end", after: "end" });
});

test("J16 a window at the end stays there, also when messages come while it loads", async () => {
  const cache = createCache();
  const row = (last: number) => conversationRow(1, { last: messageRow("c1", last), ranges: [] });
  let answer = (_: readonly MessageRow[]): void => {};
  const window = createWindow({
    ...{ cache, onChange() {}, onFault, find: async () => row(1) },
    history: {
      load: (_, at) =>
        at === "newest" ? Promise.resolve([messageRow("c1", 1)]) : new Promise((resolve) => (answer = resolve)),
    },
  });
  const come = async (seq: number): Promise<void> => {
    cache.hold(row(seq));
    window.changed(row(seq), [messageRow("c1", seq)]);
    await Bun.sleep(0);
  };
  window.show("newest");
  await Bun.sleep(0);
  await come(3);
  await come(5);
  for (const seqs of [
    [2, 3],
    [4, 5],
  ]) {
    answer(seqs.map((seq) => messageRow("c1", seq)));
    await Bun.sleep(0);
  }
  const { messages, after } = window.state();
  expect([messages.map(({ seq }) => seq), after]).toEqual([[1, 2, 3, 4, 5], "end"]);
});

test("J51 a number of unread messages that is unknown again and again is asked for each time", async () => {
  const cache = createCache();
  const listed = { id: "c1", lastMessage: messageRow("c1", 1), unread: 0, delivered: 0, read: 0 };
  const counts = createCounts({
    ...{ clock: fakeClock(), cache, onFault },
    pages: {
      beginning: fail,
      messages: async () => null,
      conversations: async () => null,
      conversation: async () => listed,
    },
    keeper: {
      ...keeper,
      async write() {
        cache.hold(conversationRow(1));
        return writtenOf([]);
      },
    },
  });
  counts.begin();
  for (let i = 0; i < 20; i++) {
    cache.hold(conversationRow(1, { isExact: false }));
    counts.check(["c1"]);
    await Bun.sleep(0);
    expect(cache.conversations.get("c1")?.isExact).toBe(true);
  }
});

test("J102 a conversation that only news has told of is asked for, although nothing of it is unread", async () => {
  const cache = createCache();
  const listed = { id: "c1", lastMessage: messageRow("c1", 1), unread: 0, delivered: 0, read: 0 };
  const clock = fakeClock();
  let asked = 0;
  const counts = createCounts({
    ...{ clock, cache, onFault },
    pages: {
      ...{ beginning: fail, messages: async () => null, conversations: async () => null },
      // The first question gets no answer.
      conversation: async () => (asked++ === 0 ? null : listed),
    },
    keeper: {
      ...keeper,
      async write() {
        cache.hold(conversationRow(1, { isListed: true }));
        return writtenOf([]);
      },
    },
  });
  cache.hold(conversationRow(1, { isListed: false }));
  counts.begin();
  await clock.advance(0);
  await clock.advance(1_000);
  expect([asked, cache.conversations.get("c1")?.isListed]).toEqual([2, true]);
  await clock.advance(60_000);
  expect(asked).toBe(2);
});

test("J6 sends that wait for one time share one timer", async () => {
  const clock = fakeClock();
  let timers = 0;
  const counted = { ...clock, after: (ms: number, task: () => void) => (timers++, clock.after(ms, task)) };
  const cache = createCache();
  const sent: ClientFrame[] = [];
  const sender = createSender({
    ...{ clock: counted, cache, keeper, onFault, onRefused: async () => {}, onGone() {} },
    link: { send: (frame) => sent.push(frame) > 0, probe() {} },
  });
  const add = (id: string): void => {
    const row: OutboxRow = { id, kind: "send", target: { with: "bob" }, text: id, time: 1, isTried: true };
    cache.setPending(id, { row, stage: "kept" });
    sender.flush();
  };
  sender.begin(64);
  add("a");
  sender.rejected({ type: "rejected", id: "a", code: "rate_limited", message: "", retry: "later", retryAfterMs: 500 });
  const before = timers;
  for (let i = 0; i < 100; i++) add(`b${100 + i}`);
  expect(timers - before).toBeLessThanOrEqual(1);
  expect(sent).toHaveLength(1);
  await clock.advance(600);
  expect(sent.length).toBeGreaterThan(60);
});

test("J57 a page of the list that comes after a reset does not move the place of the new list", async () => {
  const answers: ((page: ListPage) => void)[] = [];
  const asked: (string | null)[] = [];
  const list = createListPages({
    ...{ clock: fakeClock(), cache: createCache(), keeper, onFault, onChange() {} },
    pages: {
      beginning: fail,
      messages: fail,
      conversation: fail,
      conversations(after) {
        asked.push(after);
        return new Promise((resolve) => void answers.push(resolve));
      },
    },
  });
  list.begin(false);
  list.restart();
  answers[0]?.({ conversations: [], next: "old" });
  await Bun.sleep(0);
  list.begin(false);
  expect(asked).toEqual([null, null]);
});

test("J10 a hundred notices of another tab cause one read of the outbox", async () => {
  let reads = 0;
  const clock = fakeClock();
  const vault = { boot: () => (reads++, new Promise<never>(() => {})) };
  const outbox = createOutbox({
    ...{ clock, cache: createCache(), onFault, onFailed() {}, sender: { flush() {}, isConnected: () => true } },
    keeper: { ...keeper, vault: () => vault as Partial<Vault> as Vault },
    ids: { next: fail, pass() {} },
  });
  for (let i = 0; i < 100; i++) outbox.changedElsewhere();
  await clock.advance(100);
  expect(reads).toBe(1);
  // The first read never comes back.
  outbox.changedElsewhere();
  await clock.advance(100);
  expect(reads).toBe(2);
});

test("J5 a message that another tab has settled is shown when this tab's own answer comes late", async () => {
  const scope = { url: "u", tenant: "t", user: "alice" };
  const vault = await memory().open(scope, () => "d");
  const cache = createCache();
  const clock = fakeClock();
  const tab = createKeeper({
    clock,
    cache,
    state: createSource<StorageState>({ kind: "memory" }, { onFault }),
    onWritten() {},
  });
  tab.use(vault);
  const message = { ...messageRow("c1", 1, "alice"), to: "bob" };
  // By the other tab: this one has read the outbox again since, without the row.
  await vault.write({ messages: [message], conversations: [{ kind: "message", message, self: "alice" }] }, "strict");
  const shown: unknown[] = [];
  cache.subscribe((change) => change.of === "conversations" && shown.push(...(change.messages?.get("c1") ?? [])));
  const inbox = createInbox({
    ...{
      self: "alice",
      clock,
      cache,
      keeper: tab,
      onFault,
      handle: () => null,
      onLive() {},
      onAccepted() {},
      onReset() {},
    },
    link: { send: () => true, reconnect() {}, caughtUp() {} },
  });
  inbox.begin({ device: "d", cursor: "c0", level: 2 }, { level: 2 });
  inbox.take({ type: "accepted", id: message.id, conversation: "c1", seq: 1, time: 1, duplicate: true });
  await Bun.sleep(0);
  expect(shown).toEqual([message]);
  expect(cache.conversations.get("c1")?.last).toEqual(message);
});
