import { afterEach, describe, expect, test } from "bun:test";
import type { Setting } from "../../src/model.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { isLive, lastCursor, type SharedNodes, startSharedNodes, textsOf } from "../tenant/shared-nodes.ts";

let running: SharedNodes[] = [];
afterEach(async () => {
  for (const nodes of running) await nodes.stop();
  running = [];
});

const kind = "setting" as const;
const settingsOf = (socket: FakeSocket) => socket.changes().filter((change) => change.kind === kind);

async function start() {
  const nodes = await startSharedNodes();
  running.push(nodes);
  const [chat] = nodes.chats;
  if (!chat) throw new Error("There is no node");
  const { conversation } = await chat.send({ from: "bob", to: "alice", text: "hi" });
  const ask = async (method: string, path: string, body?: object): Promise<Response> =>
    await chat.fetch(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers: { "x-user": "alice", "Content-Type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
  return {
    ...{ nodes, chat, conversation },
    async connect(user: string, options: { device?: string; cursor?: string | undefined; level?: number } = {}) {
      const socket = await nodes.connect(user, { level: 2, ...options });
      await until(() => isLive(socket), "the first changes");
      return socket;
    },
    mute: async (body: { until?: number } | null) =>
      expect(
        (await ask(body ? "PUT" : "DELETE", `/conversations/${conversation}/mute`, body ?? undefined)).status,
      ).toBe(204),
    async listed(): Promise<Setting | undefined> {
      const { conversations } = await chat.conversations({ user: "alice" });
      return conversations[0]?.setting;
    },
    head: async () => (await nodes.engine.read([{ sql: "SELECT n, level FROM tidings_head" }]))[0]?.[0],
  };
}

describe("settings", () => {
  test("P75 P76 a mute that is set, changed or ended reaches every device of its user, and nobody else", async () => {
    const { connect, mute, conversation, listed } = await start();
    expect(await listed()).toEqual({ muted: false, version: 0 });
    const [phone, laptop] = [await connect("alice"), await connect("alice", { device: "laptop" })];
    const bob = await connect("bob");
    const later = Date.now() + 3_600_000;
    await mute({});
    await mute({ until: later });
    await mute(null);
    const expected = [
      { kind, conversation, muted: true, version: 1 },
      { kind, conversation, muted: true, until: later, version: 2 },
      { kind, conversation, muted: false, version: 3 },
    ];
    for (const socket of [phone, laptop]) {
      await until(() => settingsOf(socket).length === 3);
      expect(settingsOf(socket)).toEqual(expected);
    }
    expect(await listed()).toEqual({ muted: false, version: 3 });
    expect(settingsOf(bob)).toEqual([]);
  });

  test("P75 the same setting again is no change, nor is the end of a mute that was never made", async () => {
    const { connect, mute, head, listed } = await start();
    const phone = await connect("alice");
    const before = await head();
    await mute(null);
    // Nodes of an older release go on, until there is something that they cannot read.
    expect([await head(), before?.["level"]]).toEqual([before, 1]);
    await mute({ until: 5_000_000_000_000 });
    const set = await head();
    expect(set).toEqual({ n: Number(before?.["n"]) + 1, level: 2 });
    await mute({ until: 5_000_000_000_000 });
    expect(await head()).toEqual(set);
    await mute(null);
    const ended = await head();
    await mute(null);
    expect(await head()).toEqual(ended);
    await until(() => settingsOf(phone).length === 2);
    expect(await listed()).toEqual({ muted: false, version: 2 });
  });

  test("P75 P12 a device that was away gets the newest setting, from its cursor on", async () => {
    const { chat, connect, mute, conversation } = await start();
    const phone = await connect("alice");
    const cursor = lastCursor(phone);
    phone.hangUp();
    for (const body of [{}, null, { until: 5_000_000_000_000 }]) await mute(body);
    await chat.send({ from: "bob", to: "alice", text: "two" });
    const back = await connect("alice", { cursor });
    await until(() => textsOf(back).includes("two"));
    expect(settingsOf(back)).toEqual([{ kind, conversation, muted: true, until: 5_000_000_000_000, version: 3 }]);
    const again = await connect("alice", { cursor: lastCursor(back) });
    expect(settingsOf(again)).toEqual([]);
  });

  test("P51 P52 a client of the first level is not sent it, and one that learns the second level asks for the list again", async () => {
    const { chat, connect, mute } = await start();
    const old = await connect("alice", { level: 1 });
    await mute({});
    await chat.send({ from: "bob", to: "alice", text: "two" });
    await until(() => textsOf(old).includes("two"));
    expect(settingsOf(old)).toEqual([]);
    const young = await connect("alice", { cursor: lastCursor(old) });
    expect(young.of("reset").map(({ reason }) => reason)).toEqual(["level"]);
  });

  test("P76 a mute that is over is none in the list, and keeps its version", async () => {
    const { mute, listed } = await start();
    await mute({ until: 1 });
    expect(await listed()).toEqual({ muted: false, version: 1 });
    await mute({});
    expect(await listed()).toEqual({ muted: true, version: 2 });
  });
});
