import { afterEach, describe, expect, test } from "bun:test";
import type { Chat } from "../../src/chat.ts";
import { isLive, lastCursor, type SharedNodes, startSharedNodes, textsOf } from "../tenant/shared-nodes.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { newId } from "../support/store.ts";

let running: SharedNodes | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

type Page = { readonly messages: readonly { readonly text: string }[]; readonly cursor: string };

async function start() {
  running = await startSharedNodes();
  const nodes = running;
  const [chat] = nodes.chats as [Chat];
  async function ask(user: string, path: string, { method, body }: { method?: string; body?: object } = {}) {
    const response = await chat.fetch(
      new Request(`http://127.0.0.1${path}`, {
        method: method ?? (body ? "POST" : "GET"),
        headers: { "x-user": user, "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as unknown };
  }
  const write = (from: string, to: string, text: string) => ask(from, "/messages", { body: { id: newId(), to, text } });
  const poll = async (user: string, device: string): Promise<Page> =>
    (await ask(user, `/messages?device=${device}`)).body as Page;
  const confirm = (user: string, device: string, cursor: string) => ask(user, "/ack", { body: { device, cursor } });
  return { nodes, ask, write, poll, confirm };
}

const relationsOf = (socket: FakeSocket): string[] =>
  socket.changes().flatMap((change) => (change.kind === "relation" ? [change.user] : []));

describe("a device that polls and then opens a socket", () => {
  /** The phone polls and confirms; meanwhile its user wrote a message and made a block on another device. */
  async function polled() {
    const all = await start();
    const { ask, write, poll, confirm } = all;
    await poll("alice", "phone");
    await write("alice", "bob", "1: by alice on her laptop");
    await ask("alice", "/blocks/eve", { method: "PUT" });
    await write("bob", "alice", "2: by bob");
    const page = await poll("alice", "phone");
    expect(page.messages.map(({ text }) => text)).toEqual(["2: by bob"]);
    expect((await confirm("alice", "phone", page.cursor)).status).toBe(204);
    expect((await poll("alice", "phone")).messages).toEqual([]);
    return { ...all, page };
  }

  test("S45 gets what its user did on other devices, without a cursor", async () => {
    const { nodes } = await polled();
    const phone = await nodes.connect("alice", { device: "phone" });
    await until(() => isLive(phone));
    expect(textsOf(phone)).toEqual(["1: by alice on her laptop", "2: by bob"]);
    expect(relationsOf(phone)).toEqual(["eve"]);
  });

  test("S45 gets it with the cursor of the list too, which is no reset", async () => {
    const { nodes, page } = await polled();
    const phone = await nodes.connect("alice", { device: "phone", cursor: page.cursor });
    await until(() => isLive(phone));
    expect(phone.of("reset")).toEqual([]);
    expect(textsOf(phone)).toEqual(["1: by alice on her laptop", "2: by bob"]);
    expect(relationsOf(phone)).toEqual(["eve"]);
  });

  test("S45 confirms a list that it fetched over HTTP on its socket, and still misses nothing later", async () => {
    const { nodes, write, poll } = await polled();
    const phone = await nodes.connect("alice", { device: "phone" });
    await until(() => isLive(phone));
    await write("bob", "alice", "3: by bob");
    await until(() => textsOf(phone).includes("3: by bob"));
    const { cursor } = await poll("alice", "phone");
    phone.say({ type: "ack", cursor });
    phone.hangUp();
    await write("alice", "bob", "4: by alice on her laptop");
    const again = await nodes.connect("alice", { device: "phone" });
    await until(() => isLive(again));
    expect(textsOf(again)).toContain("4: by alice on her laptop");
  });

  test("S45 P27 confirmed messages are delivered, and a later ack of the log moves its sync on", async () => {
    const { nodes, ask } = await polled();
    const list = (await ask("bob", "/conversations")).body as { conversations: { peer: { delivered: number } }[] };
    expect(list.conversations[0]?.peer.delivered).toBe(2);
    const phone = await nodes.connect("alice", { device: "phone" });
    await until(() => isLive(phone));
    phone.say({ type: "ack", cursor: lastCursor(phone) });
    phone.hangUp();
    for (let i = 0; i < 1_000; i++) {
      const again = await nodes.connect("alice", { device: "phone" });
      await until(() => isLive(again));
      again.hangUp();
      if (again.changes().length === 0) return;
    }
    throw new Error("The ack of the log did not move the device's sync");
  });

  test("S45 polls on from a socket's ack: messages that it got there are in no list", async () => {
    const { nodes, write, poll } = await start();
    await write("bob", "alice", "1");
    const phone = await nodes.connect("alice", { device: "phone" });
    await until(() => textsOf(phone).length === 1);
    phone.say({ type: "ack", cursor: lastCursor(phone) });
    await write("bob", "alice", "2");
    await until(() => textsOf(phone).length === 2);
    for (let i = 0; i < 1_000; i++) {
      const texts = (await poll("alice", "phone")).messages.map(({ text }) => text);
      if (texts.length === 1) return expect(texts).toEqual(["2"]);
    }
    throw new Error("The ack was not stored");
  });
});
