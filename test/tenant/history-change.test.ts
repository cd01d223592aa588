import { describe, expect, test } from "bun:test";
import type { Admission } from "../../src/access/admission.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { selectNews } from "../../src/store/read/log-sql.ts";
import { updateEpoch } from "../../src/store/sql.ts";
import { selectSends } from "../../src/store/write/send-sql.ts";
import { createPhones } from "../push/support/phone.ts";
import { fakeSocket, until } from "../support/fake-socket.ts";
import {
  closed,
  isLive,
  lastCursor,
  openMeanwhile,
  type SharedNodes,
  startSharedNodes,
  textsOf,
} from "./shared-nodes.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

const start = stoppedAfterEach(startSharedNodes);

const send = (nodes: SharedNodes, from: string, to: string, text: string, node = 0) =>
  (nodes.chats[node] ?? fail()).send({ from, to, text });
const fail = (): never => {
  throw new Error("There is no such node");
};

/** The state of a conversation's messages that their sender sees. */
async function delivered(nodes: SharedNodes, from: string): Promise<number> {
  const [rows = []] = await nodes.engine.read([
    {
      sql: `SELECT max(p.delivered) AS delivered FROM tidings_member p JOIN tidings_user u ON u.key = p.peer WHERE u.id = ?`,
      args: [from],
    },
  ]);
  return Number(rows[0]?.["delivered"] ?? 0);
}

describe("a database that gets another history under running nodes", () => {
  test("H6 D31 every socket is closed with 1012, comes back with a reset, and is served from the new history", async () => {
    const nodes = await start();
    for (let i = 1; i <= 3; i++) await send(nodes, "bob", "alice", `kept ${i}`);
    const backup = await nodes.backUp();
    for (let i = 1; i <= 30; i++) await send(nodes, "bob", "alice", `lost ${i}`);
    const phone = await nodes.connect("alice");
    await until(() => textsOf(phone).length === 33);
    await nodes.restore(backup, "restored0001");
    await closed(phone);
    expect(phone.state.closed?.code).toBe(1012);
    const again = await nodes.connect("alice", { cursor: lastCursor(phone) });
    await until(() => isLive(again));
    expect(again.of("reset")).toMatchObject([{ reason: "epoch" }]);
    expect(textsOf(again)).toEqual(["kept 1", "kept 2", "kept 3"]);
    await send(nodes, "bob", "alice", "new");
    await until(() => textsOf(again).includes("new"));
  });

  test("D31 a socket that does not answer the close keeps no reader of the log going", async () => {
    let reads = 0;
    const nodes = await start({
      wrapEngine: (engine) => ({
        ...engine,
        read(statements) {
          if (statements.some(({ sql }) => sql === selectNews)) reads++;
          return engine.read(statements);
        },
      }),
    });
    for (let i = 0; i < 5; i++) await send(nodes, "bob", "alice", "kept");
    const backup = await nodes.backUp();
    for (let i = 0; i < 30; i++) await send(nodes, "bob", "alice", "lost");
    const [phone, laptop] = [await nodes.connect("alice"), await nodes.connect("alice", { device: "laptop" })];
    await until(() => isLive(phone) && isLive(laptop));
    Object.assign(laptop.socket, { close() {} });
    await nodes.restore(backup, "restored0001");
    await closed(phone);
    const again = await nodes.connect("alice", { cursor: lastCursor(phone) });
    await until(() => isLive(again));
    const before = reads;
    for (let turn = 0; turn < 200; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
    expect(reads - before).toBe(0);
  });

  test("D31 an upgrade that was admitted under the old history is closed: what revoked it may be gone", async () => {
    const nodes = await start();
    await send(nodes, "bob", "alice", "kept");
    const [backup, [chat]] = [await nodes.backUp(), nodes.chats];
    const admitted = async (): Promise<Admission> => {
      const headers = { "x-user": "alice", upgrade: "websocket", host: "127.0.0.1" };
      const admission = await chat?.admit(new Request("http://127.0.0.1/ws?device=phone", { headers }));
      return admission && !(admission instanceof Response) ? admission : fail();
    };
    const open = (admission: Admission) => {
      const client = fakeSocket();
      client.attach(chat?.connect(client.socket, admission) ?? fail());
      return client;
    };
    const [early, witness, other] = [await admitted(), open(await admitted()), await nodes.connect("bob")];
    await until(() => isLive(witness) && isLive(other));
    await chat?.disconnect({ user: "alice", reason: "banned" });
    await closed(witness);
    await nodes.restore(backup, "restored0001");
    await closed(other);
    await until(() => chat?.isReady() === true);
    const late = open(early);
    await closed(late);
    expect(late.frames).toEqual([]);
    expect(late.state.closed?.code).toBe(1012);
    const after = open(await admitted());
    await until(() => isLive(after));
  });

  test("D31 a node that is just being opened follows as well", async () => {
    const nodes = await start();
    await send(nodes, "bob", "alice", "kept");
    const backup = await nodes.backUp();
    const chat = openMeanwhile(nodes, () => nodes.restore(backup, "restored0001"));
    try {
      await chat.ready();
      await until(() => chat.isReady());
      expect(await chat.send({ from: "bob", to: "alice", text: "new" })).toMatchObject({ seq: 2 });
    } finally {
      await chat.close();
    }
  });

  test("D30 an ack and a read mark that a client sent of the old history do not reach the new one", async () => {
    const nodes = await start({ nodes: 2, limits: { headPollMs: 1_000_000 }, hasBus: false });
    for (let i = 1; i <= 5; i++) await send(nodes, "bob", "alice", `kept ${i}`);
    const backup = await nodes.backUp();
    for (let i = 1; i <= 30; i++) await send(nodes, "bob", "alice", `lost ${i}`);
    const phone = await nodes.connect("alice");
    await until(() => textsOf(phone).length === 35);
    const [{ conversation } = { conversation: "" }] = phone
      .changes()
      .flatMap((change) => (change.kind === "message" ? [change] : []));
    await nodes.restore(backup, "restored0001");
    // The second node was started anew, and takes messages in the new history; the first one has not looked yet.
    const second = await startSecond(nodes);
    for (let i = 1; i <= 10; i++) await second.send({ from: "bob", to: "alice", text: `new ${i}` });
    phone.say({ type: "ack", cursor: lastCursor(phone) });
    phone.say({ type: "read", conversation, seq: 35 });
    await closed(phone);
    expect(await delivered(nodes, "bob")).toBe(0);
    const [devices] = await nodes.engine.read([{ sql: "SELECT max(acked) AS acked FROM tidings_device" }]);
    expect(devices).toEqual([{ acked: null }]);
    const again = await nodes.connect("alice", { cursor: lastCursor(phone) });
    await until(() => textsOf(again).length === 15);
    expect(textsOf(again).slice(5)).toEqual(Array.from({ length: 10 }, (_, i) => `new ${i + 1}`));
    await second.close();
  });

  test("D30 a message in a commit for the old history is answered unavailable, and accepted once when it is sent again", async () => {
    const nodes = await start({ limits: { headPollMs: 1_000_000 } });
    await send(nodes, "bob", "alice", "kept");
    const backup = await nodes.backUp();
    await send(nodes, "bob", "alice", "lost");
    await nodes.restore(backup, "restored0001");
    const id = "01980000-0000-7000-8000-0000000000aa";
    const [chat] = nodes.chats;
    await expect(chat?.send({ from: "bob", to: "alice", text: "new", id })).rejects.toMatchObject({
      code: "unavailable",
    });
    await until(() => chat?.isReady() === true);
    expect(await chat?.send({ from: "bob", to: "alice", text: "new", id })).toMatchObject({ seq: 2, duplicate: false });
  });

  test("D32 a database that went back under its old name gets a new one before anything is written to it", async () => {
    const nodes = await start({ nodes: 3 });
    for (let i = 1; i <= 3; i++) await send(nodes, "bob", "alice", `kept ${i}`);
    const backup = await nodes.backUp();
    for (let i = 1; i <= 30; i++) await send(nodes, "bob", "alice", `lost ${i}`, i % 3);
    const phone = await nodes.connect("alice", { node: 1 });
    await until(() => textsOf(phone).length === 33);
    const epoch = await nodes.epoch();
    await nodes.restore(backup);
    await closed(phone);
    const again = await nodes.connect("alice", { node: 1, cursor: lastCursor(phone) });
    await until(() => isLive(again));
    expect(await nodes.epoch()).not.toBe(epoch);
    expect(again.of("reset")).toMatchObject([{ reason: "epoch" }]);
    expect(textsOf(again)).toEqual(["kept 1", "kept 2", "kept 3"]);
    const renamed = await nodes.epoch();
    for (const node of [0, 1, 2]) {
      await until(() => nodes.chats[node]?.isReady() === true);
      await sendUntilAccepted(nodes, `new ${node}`, node);
    }
    await until(() => textsOf(again).length === 6);
    expect(await nodes.epoch()).toBe(renamed);
  });

  test("D32 a database that went back to just before a node's last commit is seen at its next write", async () => {
    // Nothing reads the head: only the write can show it.
    const nodes = await start({ limits: { headPollMs: 60_000 } });
    await send(nodes, "bob", "alice", "kept");
    const backup = await nodes.backUp();
    await send(nodes, "bob", "alice", "lost");
    const epoch = await nodes.epoch();
    await nodes.restore(backup);
    await expect(send(nodes, "bob", "alice", "refused")).rejects.toThrow();
    await until(() => nodes.chats[0]?.isReady() === true);
    expect(await nodes.epoch()).not.toBe(epoch);
  });

  test("D32 a backup that is put back a second time does not bring back a name that has ended", async () => {
    const nodes = await start({ nodes: 2 });
    await send(nodes, "bob", "alice", "kept");
    const backup = await nodes.backUp();
    const first = await nodes.epoch();
    for (let i = 0; i < 5; i++) await send(nodes, "bob", "alice", "lost");
    const phone = await nodes.connect("alice", { node: 1 });
    await until(() => textsOf(phone).length === 6);
    await nodes.restore(backup, "restored0001");
    await closed(phone);
    const between = await nodes.connect("alice", { node: 1 });
    await until(() => isLive(between));
    await nodes.restore(backup);
    await closed(between);
    const again = await nodes.connect("alice", { node: 1, cursor: lastCursor(phone) });
    await until(() => isLive(again));
    expect([first, "restored0001"]).not.toContain(await nodes.epoch());
    expect(again.of("reset")).toMatchObject([{ reason: "epoch" }]);
    for (const node of [0, 1]) await sendUntilAccepted(nodes, `new ${node}`, node);
    await until(() => textsOf(again).length >= 2);
  });

  test("D32 a backup that holds all that was known of its history does not bring back its name", async () => {
    const nodes = await start();
    await send(nodes, "bob", "alice", "kept");
    const [backup, first] = [await nodes.backUp(), await nodes.epoch()];
    const phone = await nodes.connect("alice");
    await until(() => textsOf(phone).length === 1);
    await nodes.restore(backup, "restored0001");
    await closed(phone);
    const between = await nodes.connect("alice");
    await until(() => isLive(between));
    await nodes.restore(backup);
    await closed(between);
    const again = await nodes.connect("alice");
    await until(() => isLive(again));
    expect([first, "restored0001"]).not.toContain(await nodes.epoch());
  });

  test("D32 a backup that is put back again just as its history was named does not bring back the old name", async () => {
    let putBack = async (): Promise<void> => {};
    const nodes = await start({
      wrapEngine: (engine) => ({
        ...engine,
        async write(statements) {
          const results = await engine.write(statements);
          if (statements.some(({ sql }) => sql === updateEpoch)) await putBack();
          return results;
        },
      }),
    });
    await send(nodes, "bob", "alice", "kept");
    const [backup, first] = [await nodes.backUp(), await nodes.epoch()];
    for (let i = 0; i < 5; i++) await send(nodes, "bob", "alice", "lost");
    let times = 0;
    putBack = async () => {
      if (times++ === 0) await nodes.restore(backup);
    };
    const phone = await nodes.connect("alice");
    await until(() => textsOf(phone).length === 6);
    await nodes.restore(backup);
    await closed(phone);
    const again = await nodes.connect("alice", { cursor: lastCursor(phone) });
    await until(() => isLive(again));
    expect(times).toBeGreaterThan(1);
    expect(await nodes.epoch()).not.toBe(first);
    expect(again.of("reset")).toMatchObject([{ reason: "epoch" }]);
    expect(textsOf(again)).toEqual(["kept"]);
  });

  for (const epoch of ["restored0001", undefined])
    test(`O1 D30 a retry is not answered as blocked where its message was lost with the database, ${epoch ? "named" : "not named"}`, async () => {
      let putBack = async (): Promise<void> => {};
      const beforeItIsLookedFor =
        (call: Engine["write"]): Engine["write"] =>
        async (statements) => {
          if (statements.some(({ sql }) => sql === selectSends)) await putBack();
          return await call(statements);
        };
      const nodes = await start({
        wrapEngine: (engine) => ({
          ...engine,
          read: beforeItIsLookedFor(engine.read),
          write: beforeItIsLookedFor(engine.write),
        }),
      });
      const [chat] = nodes.chats;
      await send(nodes, "bob", "alice", "kept");
      const backup = await nodes.backUp();
      const retried = { from: "bob", to: "alice", text: "retried", id: "01980000-0000-7000-8000-0000000000ab" };
      await chat?.send(retried);
      putBack = async () => {
        putBack = async () => {};
        await nodes.restore(backup, epoch);
      };
      await expect(chat?.send(retried)).rejects.toMatchObject({ code: "unavailable" });
      await until(() => chat?.isReady() === true);
      expect(await chat?.send(retried)).toMatchObject({ seq: 2, duplicate: false });
    });

  test("D31 three nodes under load follow to the new history: all messages reach all recipients there, and presence is right", async () => {
    const nodes = await start({ nodes: 3 });
    await send(nodes, "bob", "alice", "kept");
    await send(nodes, "alice", "bob", "kept too");
    const backup = await nodes.backUp();
    for (let i = 0; i < 20; i++) await send(nodes, "bob", "alice", "lost", i % 3);
    const watcher = await nodes.connect("alice", { node: 0 });
    const bob = await nodes.connect("bob", { node: 1 });
    // A client may come back before the node knows; its socket is then closed a moment later.
    const third = await nodes.connect("carol", { node: 2 });
    await until(() => isLive(watcher) && isLive(bob) && isLive(third));
    watcher.say({ type: "watch", users: ["bob"] });
    await until(() => watcher.of("presence").some(({ state }) => state === "online"));
    await nodes.restore(backup, "restored0001");
    await Promise.all([closed(watcher), closed(bob), closed(third)]);
    const again = await nodes.connect("alice", { node: 2, cursor: lastCursor(watcher) });
    again.say({ type: "watch", users: ["bob"] });
    await until(() => again.of("presence").some(({ state }) => state === "offline"));
    const back = await nodes.connect("bob", { node: 0, cursor: lastCursor(bob) });
    await until(() => again.of("presence").at(-1)?.state === "online");
    for (const node of [0, 1, 2]) await sendUntilAccepted(nodes, `new ${node}`, node);
    await until(() => textsOf(again).length === 5);
    back.hangUp();
    await until(() => again.of("presence").at(-1)?.state === "offline");
  });

  test("D31 names of conversations that the old history knew are not believed in the new one", async () => {
    const nodes = await start();
    await send(nodes, "carol", "dave", "kept");
    const backup = await nodes.backUp();
    await send(nodes, "bob", "alice", "lost");
    const alice = await nodes.connect("alice");
    await until(() => isLive(alice));
    // The node learns where alice and bob talk.
    alice.say({ type: "typing", to: "bob", typing: true });
    alice.say({ type: "ping", id: "p" });
    await until(() => alice.of("pong").length === 1);
    const [{ conversation } = { conversation: "" }] = alice
      .changes()
      .flatMap((change) => (change.kind === "message" ? [change] : []));
    await nodes.restore(backup, "restored0001");
    await closed(alice);
    const again = await nodes.connect("alice", { cursor: lastCursor(alice) });
    await until(() => isLive(again));
    again.say({ type: "read", conversation, seq: 1 });
    await until(() => again.of("error").length === 1);
    expect(again.of("error")).toMatchObject([{ code: "not_found" }]);
  });

  test("U5 D31 an absent user is notified of messages of the new history, once", async () => {
    const phones = createPhones();
    const nodes = await start({
      nodes: 2,
      push: [phones.provider],
      limits: { pushIdleDelayMs: 20, pushActiveDelayMs: 20 },
    });
    const [chat] = nodes.chats;
    await chat?.fetch(
      new Request("http://127.0.0.1/devices/phone", {
        method: "PUT",
        headers: { "x-user": "alice", "content-type": "application/json", host: "127.0.0.1" },
        body: JSON.stringify({ push: { provider: phones.provider.name, token: "alice phone" } }),
      }),
    );
    const backup = await nodes.backUp();
    for (let i = 0; i < 5; i++) await send(nodes, "bob", "alice", "lost");
    await until(() => phones.requests.length > 0);
    await nodes.restore(backup, "restored0001");
    await until(() => nodes.chats.every((each) => each.isReady()));
    const { length } = phones.requests;
    await sendUntilAccepted(nodes, "new", 1);
    await until(() => phones.requests.length > length);
    expect(phones.requests.length).toBe(length + 1);
  });
});

/** As a client does: the same message again until it is accepted. */
async function sendUntilAccepted(nodes: SharedNodes, text: string, node: number): Promise<void> {
  const id = crypto.randomUUID();
  for (let i = 0; i < 1_000; i++) {
    try {
      await nodes.chats[node]?.send({ from: "bob", to: "alice", text, id });
      return;
    } catch {
      await Bun.sleep(5);
    }
  }
  throw new Error("The message was not accepted");
}

/** A node that was started after the restore. */
async function startSecond(nodes: SharedNodes) {
  const { createChat } = await import("../../src/chat.ts");
  const { engine } = nodes;
  const chat = createChat({
    database: { url: "file:second", open: () => ({ read: engine.read, write: engine.write, close: async () => {} }) },
    authenticate: () => null,
  });
  await chat.ready();
  return chat;
}
