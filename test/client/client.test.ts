import { afterEach, describe, expect, spyOn, test } from "bun:test";
import type { Client, ClientOptions, ThreadRow } from "../../src/client/api.ts";
import { createClient } from "../../src/client/client.ts";
import type { SocketLike } from "../../src/client/environment.ts";
import { libsql } from "../../src/client/vault/libsql.ts";
import { memory } from "../../src/client/vault/memory.ts";
import { createClient as openDatabase } from "@libsql/client";
import { join } from "node:path";
import { until } from "../support/fake-socket.ts";
import { type RunningServer, startServer, temporaryFolder } from "../support/server.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(options: Parameters<typeof startServer>[0] = {}): Promise<RunningServer> {
  const server = await startServer(options);
  ends.push(() => server.dispose());
  return server;
}

const faults: unknown[] = [];

/** A client of the standalone server, which takes each request's own word for its user. */
function open(server: Pick<RunningServer, "port">, user: string, options: Partial<ClientOptions> = {}): Client {
  const client = createClient({
    url: `http://127.0.0.1:${server.port}`,
    user,
    storage: memory(),
    authenticate: async () => ({ parameters: { user } }),
    onFault: (fault) => void faults.push(fault),
    ...options,
  });
  ends.push(client.retain(), () => client.close());
  return client;
}

const rows = (client: Client, other: string): readonly ThreadRow[] => client.thread({ with: other }).state.get().rows;
const texts = (client: Client, other: string): readonly string[] => rows(client, other).map((row) => row.text);
const isOnline = (client: Client) => (): boolean => client.status.get().state === "online";

test("J25 an app that names a wrong place finds it in its console, and in the status", async () => {
  const website = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("<!doctype html>") });
  ends.push(() => website.stop(true));
  const said = spyOn(console, "error").mockImplementation(() => {});
  ends.push(() => said.mockRestore());
  const client = createClient({ url: `http://127.0.0.1:${website.port}/chat`, user: "alice", storage: memory() });
  ends.push(client.retain(), () => client.close());
  await until(() => client.status.get().state === "waiting");
  expect(client.status.get()).toMatchObject({ reason: "foreign" });
  expect(said.mock.calls.join()).toContain(`http://127.0.0.1:${website.port}/chat`);
});

test("J96 a push address that is registered at once is that of this device", async () => {
  const server = await start();
  const registered: string[] = [];
  const environment: ClientOptions["environment"] = {
    async fetch(request) {
      registered.push(new URL(request.url).pathname);
      return new Response(null, { status: 204 });
    },
  };
  const client = createClient({
    ...{ url: `http://127.0.0.1:${server.port}`, user: "alice", storage: memory(), environment },
  });
  await client.registerPush({ provider: "fcm", token: "t" });
  await client.close();
  expect(registered).toHaveLength(1);
  expect(registered[0]).toMatch(/^\/devices\/[0-9a-f]{32}$/);
  await expect(client.registerPush(null)).rejects.toMatchObject({ code: "closed" });
});

describe("notes to oneself", () => {
  test("J110 they are on each device of the user once, accepted and no more, and never unread", async () => {
    const server = await start();
    const sent: string[] = [];
    const environment: NonNullable<ClientOptions["environment"]> = {
      connect(url, protocols) {
        const socket: SocketLike = new WebSocket(url, [...protocols]) as never;
        const send = socket.send.bind(socket);
        socket.send = (text) => {
          sent.push(text);
          send(text);
        };
        return socket;
      },
    };
    const [phone, laptop] = [open(server, "alice", { environment }), open(server, "alice")];
    await until(isOnline(phone));
    await until(isOnline(laptop));
    const heard: string[] = [];
    for (const client of [phone, laptop]) ends.push(client.on("message", ({ text }) => void heard.push(text)));
    const thread = phone.thread({ with: "alice" });
    thread.typing(true);
    expect(await thread.send("one").accepted).toMatchObject({ seq: 1, from: "alice", to: "alice" });
    thread.typing(true);
    await until(() => texts(laptop, "alice").join() === "one");
    await laptop.thread({ with: "alice" }).send("two").accepted;
    for (const client of [phone, laptop]) {
      await until(() => texts(client, "alice").join() === "one,two");
      client.thread({ with: "alice" }).markRead(2);
    }
    await phone.thread({ with: "bob" }).send("to bob").accepted;
    await until(() => texts(laptop, "bob").join() === "to bob");
    // A device without a cache asks the server.
    const tablet = open(server, "alice");
    await until(() => texts(tablet, "alice").join() === "one,two");
    for (const client of [phone, laptop, tablet]) {
      await until(() => client.conversations.get().conversations.length === 2);
      expect(rows(client, "alice").map(({ state }) => state)).toEqual(["accepted", "accepted"]);
      const own = client.conversations.get().conversations.find((one) => one.with === "alice");
      const marks = { delivered: 0, read: 0 };
      expect(own).toMatchObject({ unread: 0, isExact: true, lastState: "accepted", own: marks, peer: marks });
      expect(client.thread({ with: "alice" }).state.get()).toMatchObject({ unread: 0, divider: null, peer: marks });
      expect(client.unread.get()).toMatchObject({ messages: 0, conversations: 0 });
    }
    expect(heard).toEqual([]);
    expect(sent.filter((text) => text.includes('"send"')).length).toBe(2);
    expect(sent.filter((text) => /"(typing|read)"/.test(text))).toEqual([]);
  });
});

describe("two people", () => {
  test("J8 a message is shown at once, and then as accepted, delivered and read", async () => {
    const server = await start();
    const [alice, bob] = [open(server, "alice"), open(server, "bob")];
    await until(isOnline(alice));
    await until(isOnline(bob));
    const states: string[] = [];
    const thread = alice.thread({ with: "bob" });
    thread.state.subscribe(() => {
      const [row] = thread.state.get().rows;
      if (row !== undefined && states.at(-1) !== row.state) states.push(row.state);
    });
    thread.draft.set("hello");
    const sending = thread.send("hello");
    expect(texts(alice, "bob")).toEqual(["hello"]);
    expect(thread.draft.get()).toBe("");
    await sending.kept;
    expect(await sending.accepted).toMatchObject({ seq: 1, from: "alice", to: "bob", text: "hello" });
    await until(() => texts(bob, "alice").length === 1);
    expect(bob.unread.get()).toMatchObject({ messages: 1, conversations: 1 });
    bob.thread({ with: "alice" }).markRead(1);
    await until(() => rows(alice, "bob")[0]?.state === "read");
    expect(bob.unread.get().messages).toBe(0);
    // It is not shown as sending where its answer comes in the same turn, nor as delivered where it is read at once.
    const order = ["keeping", "queued", "sending", "accepted", "delivered", "read"];
    expect(states).toEqual(order.filter((state) => states.includes(state)));
    expect(states).toContain("sending");
    expect(states).toContain("accepted");
  });

  test("J26 they talk by HTTP alone where the app wants no WebSockets", async () => {
    const server = await start();
    const opened: string[] = [];
    const environment: ClientOptions["environment"] = {
      connect(url) {
        opened.push(url);
        throw new Error("No WebSocket is wanted here");
      },
    };
    const [alice, bob] = ["alice", "bob"].map((user) => open(server, user, { transport: "polling", environment }));
    await alice?.thread({ with: "bob" }).send("hello").accepted;
    await until(() => bob !== undefined && texts(bob, "alice").join() === "hello");
    expect(bob?.status.get()).toEqual({ state: "online", transport: "polling" });
    expect(opened).toEqual([]);
  });

  test("J1 typing and presence are shown, and end", async () => {
    const server = await start();
    const [alice, bob] = [open(server, "alice"), open(server, "bob")];
    await until(isOnline(bob));
    await until(isOnline(alice));
    await alice.thread({ with: "bob" }).send("hi").accepted;
    const { typists } = bob.thread({ with: "alice" });
    ends.push(typists.subscribe(() => {}));
    const presence = bob.presence("alice");
    ends.push(presence.subscribe(() => {}));
    await until(() => presence.get().state === "online");
    await until(() => bob.thread({ with: "alice" }).state.get().conversation !== null);
    alice.thread({ with: "bob" }).typing(true);
    await until(() => typists.get().join() === "alice");
    await alice.thread({ with: "bob" }).send("done").accepted;
    await until(() => typists.get().length === 0);
  });

  test("J3 messages written offline arrive once, in order, after the page was loaded again and the server killed", async () => {
    const server = await start();
    const storage = memory();
    const first = open(server, "alice", { storage });
    await until(isOnline(first));
    await first.thread({ with: "bob" }).send("one").accepted;
    await server.kill9();
    for (const text of ["two", "three", "four"]) await first.thread({ with: "bob" }).send(text).kept;
    await first.close();
    const again = await start({ dir: server.dir, port: server.port });
    const second = open(again, "alice", { storage });
    await until(isOnline(second));
    await until(() => rows(second, "bob").length === 4 && rows(second, "bob").every((row) => row.seq !== null));
    const bob = open(again, "bob");
    await until(() => texts(bob, "alice").length === 4);
    expect(texts(bob, "alice")).toEqual(["one", "two", "three", "four"]);
  });

  test("J8 a new device shows the history that it never got, to the first message", async () => {
    const server = await start();
    const alice = open(server, "alice");
    await until(isOnline(alice));
    const sent = Array.from({ length: 130 }, (_, i) => alice.thread({ with: "bob" }).send(`text ${i + 1}`));
    // Her own thread may begin behind the first of them, where the machine is slow.
    await Promise.all(sent.map(({ accepted }) => accepted));
    const laptop = open(server, "alice", { storage: memory() });
    await until(() => laptop.conversations.get().conversations.length === 1);
    const thread = laptop.thread({ with: "bob" });
    await until(() => thread.state.get().rows.length > 0);
    while (thread.state.get().before !== "end") {
      thread.loadBefore();
      const { length } = thread.state.get().rows;
      await until(() => thread.state.get().rows.length > length);
    }
    expect(texts(laptop, "bob")).toEqual(Array.from({ length: 130 }, (_, i) => `text ${i + 1}`));
  });

  test("J4 a waiting message can be edited or cancelled, and its old text never arrives", async () => {
    const server = await start();
    const alice = open(server, "alice");
    await until(isOnline(alice));
    await server.kill9();
    await until(() => alice.status.get().state !== "online");
    const thread = alice.thread({ with: "bob" });
    const [one, two] = [thread.send("one"), thread.send("two")];
    await two.kept;
    expect(await thread.edit(one.id, "one, edited")).toBe("edited");
    expect(await thread.cancel(two.id)).toBe("cancelled");
    await expect(two.accepted).rejects.toMatchObject({ code: "cancelled" });
    const again = await start({ dir: server.dir, port: server.port });
    alice.retry();
    await one.accepted;
    const bob = open(again, "bob");
    await until(() => texts(bob, "alice").length > 0);
    expect(texts(bob, "alice")).toEqual(["one, edited"]);
    expect(await thread.cancel(one.id)).toBe("too-late");
  });

  test("J4 a text that cannot be a message is refused by a stable code, and nothing is shown", async () => {
    const server = await start();
    const alice = open(server, "alice");
    const thread = alice.thread({ with: "bob" });
    for (const [text, code] of [
      ["", "empty_text"],
      ["half \ud83d", "malformed_text"],
      ["a\0b", "malformed_text"],
      ["x".repeat(16_385), "too_large"],
    ] as const)
      expect(() => thread.send(text)).toThrow(expect.objectContaining({ code }));
    expect(thread.state.get().rows).toEqual([]);
  });
});

describe("a bot", () => {
  test("J12 replies once to each message, although it ends between its reply and its cursor, and writes another text then", async () => {
    const server = await start();
    const database = openDatabase({ url: `file:${join(temporaryFolder(), "bot.db")}` });
    ends.push(() => database.close());
    const alice = open(server, "alice");
    await until(isOnline(alice));
    let run = 0;
    /** A bot that never comes to its cursor: its process ends after the reply is kept. */
    async function startBot(endsAfterReply: boolean): Promise<Client> {
      const name = ++run;
      const bot = open(server, "bot", { storage: libsql(database) });
      const abort = new AbortController();
      void bot.work(
        async (message, reply) => {
          await reply(`${message.text} from run ${name}`);
          if (endsAfterReply) await new Promise(() => {});
        },
        { signal: abort.signal },
      );
      ends.push(() => abort.abort());
      return bot;
    }
    const first = await startBot(true);
    const thread = alice.thread({ with: "bot" });
    await thread.send("one").accepted;
    await until(() => texts(alice, "bot").length === 2);
    await first.close();
    await startBot(false);
    await thread.send("two").accepted;
    await until(() => texts(alice, "bot").includes("two from run 2"));
    expect(texts(alice, "bot")).toEqual(["one", "one from run 1", "two", "two from run 2"]);
  });
});
