import { expect, test } from "bun:test";
import type { Thread } from "../../../src/client/api.ts";
import { createClient } from "../../../src/client/client.ts";
import type { SocketLike } from "../../../src/client/environment.ts";
import type { Storage } from "../../../src/client/vault/contract.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { messageRow } from "./rows.ts";

const silentSocket: SocketLike = {
  ...{ send() {}, close() {} },
  ...{ onopen: null, onmessage: null, onclose: null, onerror: null },
};

/** A client whose storage opens when it is told to, and a server with messages of bob, all of which are unread. */
function setUp(first: number, last: number) {
  const messages = Array.from({ length: last - first + 1 }, (_, at) => messageRow("c1", first + at));
  const listed = { id: "c1", with: "bob", lastMessage: messages.at(-1), unread: last, delivered: 0, read: 0 };
  const asked: string[] = [];
  const { promise: opened, resolve: openStorage } = Promise.withResolvers<void>();
  const inner = memory();
  const storage: Storage = { ...inner, open: async (...given) => (await opened, await inner.open(...given)) };
  const client = createClient({
    ...{ url: "http://127.0.0.1:1", user: "alice", storage, authenticate: async () => ({}) },
    environment: {
      connect: () => silentSocket,
      async fetch({ url }) {
        const { pathname } = new URL(url);
        asked.push(pathname);
        return Response.json(pathname === "/messages" ? { messages } : { conversations: [listed] });
      },
    },
  });
  return { client, asked, openStorage };
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
  // It asks once more when it connects: without a cursor it cannot know whether the first answers are of a history that has ended.
  expect(asked.filter((path) => path === "/conversations")).toHaveLength(2);
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
