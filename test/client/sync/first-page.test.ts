import { expect, test } from "bun:test";
import type { Thread } from "../../../src/client/api.ts";
import { createClient } from "../../../src/client/client.ts";
import type { SocketLike } from "../../../src/client/environment.ts";
import type { Storage } from "../../../src/client/vault/contract.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { welcomeOf } from "../link/steps.ts";
import { messageRow } from "./rows.ts";

const silentSocket = (): SocketLike => ({
  ...{ send() {}, close() {} },
  ...{ onopen: null, onmessage: null, onclose: null, onerror: null },
});

/** A client whose storage opens when it is told to, and a server with messages of bob, all of which are unread. `history`: as its answers name it. */
function setUp(first: number, last: number, history?: string) {
  const messages = Array.from({ length: last - first + 1 }, (_, at) => messageRow("c1", first + at));
  const listed = { id: "c1", with: "bob", lastMessage: messages.at(-1), unread: last, delivered: 0, read: 0 };
  const asked: string[] = [];
  const sockets: SocketLike[] = [];
  const { promise: opened, resolve: openStorage } = Promise.withResolvers<void>();
  const inner = memory();
  const storage: Storage = { ...inner, open: async (...given) => (await opened, await inner.open(...given)) };
  const client = createClient({
    ...{ url: "http://127.0.0.1:1", user: "alice", storage, authenticate: async () => ({}) },
    environment: {
      connect() {
        const socket = silentSocket();
        sockets.push(socket);
        return socket;
      },
      async fetch({ url }) {
        const { pathname } = new URL(url);
        asked.push(pathname);
        const headers = history === undefined ? {} : { "Tidings-History": history };
        return Response.json(pathname === "/messages" ? { messages } : { conversations: [listed] }, { headers });
      },
    },
  });
  /** The server greets the newest connection, and has nothing further for it. */
  async function greet(name: string): Promise<void> {
    const frames = [welcomeOf({ history: name }), { type: "changes", cursor: "c0", more: false, changes: [] }];
    for (const frame of frames) sockets.at(-1)?.onmessage?.({ data: JSON.stringify(frame) });
    await settle();
  }
  const restore = (name: string): unknown => (history = name);
  return { client, asked, openStorage, sockets, greet, restore };
}

/** Lets everything happen that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Bun.sleep(0);
}

const seqs = (thread: Thread) => thread.state.get().rows.map(({ seq }) => seq);

test("J95 a new device asks for an open thread once, and shows it while its storage is being made", async () => {
  const { client, asked, openStorage } = setUp(1, 3);
  const thread = client.thread({ with: "bob" });
  client.retain();
  await settle();
  const { rows } = thread.state.get();
  expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(thread.state.get()).toMatchObject({ before: "loading", after: "end", divider: 1, unread: 3 });
  expect(asked.toSorted()).toEqual(["/conversations", "/messages"]);
  openStorage();
  await settle();
  expect(thread.state.get()).toMatchObject({ before: "end", after: "end", divider: 1, unread: 3 });
  // What was shown is not rendered again.
  thread.state.get().rows.forEach((row, at) => expect<unknown>(row).toBe(rows[at]));
  // It asks once more when it connects: a server that names no history may have been restored since the first answers.
  expect(asked.filter((path) => path === "/conversations")).toHaveLength(2);
  await client.close();
});

test("J94 J95 a new device keeps its first page if it is greeted in the same history", async () => {
  const { client, asked, openStorage, sockets, greet } = setUp(1, 3, "h1");
  const thread = client.thread({ with: "bob" });
  client.retain();
  openStorage();
  await settle();
  const { rows } = thread.state.get();
  await greet("h1");
  expect(client.status.get()).toMatchObject({ state: "online" });
  expect(asked.filter((path) => path === "/messages")).toHaveLength(1);
  expect(thread.state.get().rows).toBe(rows);
  expect([seqs(thread), sockets.length]).toEqual([[1, 2, 3], 1]);
  await client.close();
});

for (const [when, isWritten] of [
  ["before its first page is written", false],
  ["after that", true],
] as const)
  test(`J94 a new device that is greeted in another history ${when} drops that page, and asks again`, async () => {
    const { client, asked, openStorage, sockets, greet, restore } = setUp(1, 3, "h1");
    client.retain();
    const thread = client.thread({ with: "bob" });
    openStorage();
    await settle();
    if (isWritten) {
      // Another connection begins at what is written by now.
      sockets.at(-1)?.onclose?.({ code: 1012, reason: "" });
      client.retry();
      await settle();
    }
    restore("h2");
    const greetings = isWritten ? 2 : 3;
    for (let at = 1; at <= greetings; at++) {
      expect(client.status.get()).toMatchObject({ state: "connecting" });
      await greet("h2");
    }
    expect(client.status.get()).toMatchObject({ state: "online" });
    expect(asked.filter((path) => path === "/messages")).toHaveLength(2);
    expect(seqs(thread)).toEqual([1, 2, 3]);
    await client.close();
  });

test("J95 a thread whose first unread message is on an earlier page is not shown from behind it", async () => {
  const { client, openStorage } = setUp(11, 60);
  client.retain();
  const thread = client.thread({ with: "bob" });
  await settle();
  expect(seqs(thread)).toEqual([]);
  openStorage();
  await settle();
  expect(thread.state.get()).toMatchObject({ before: "more", after: "end", unread: 60 });
  await client.close();
});

test("J95 a jump that comes before the storage is open is made when it is", async () => {
  const { client, openStorage } = setUp(1, 3);
  client.retain();
  const thread = client.thread({ with: "bob" });
  thread.jump({ seq: 2 });
  openStorage();
  await settle();
  expect(seqs(thread)).toEqual([1, 2, 3]);
  expect(thread.state.get().before).toBe("end");
  await client.close();
});
