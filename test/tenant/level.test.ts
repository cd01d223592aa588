import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { selectNews } from "../../src/store/read/log-sql.ts";
import { createChat } from "../../src/chat.ts";
import { levelMax } from "../../src/log/log-kinds.ts";
import { raiseLevel } from "../../src/store/sql.ts";
import { plant, type PlantName } from "../plants/index.ts";
import { failingTests } from "../support/failing-tests.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { closed, isLive, openMeanwhile, type SharedNodes, startSharedNodes, textsOf } from "./shared-nodes.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

const start = stoppedAfterEach(startSharedNodes);

const chatOf = (nodes: SharedNodes) => nodes.chats[0] ?? missing();
const missing = (): never => {
  throw new Error("There is no such node");
};

async function head(nodes: SharedNodes): Promise<number> {
  const [[row] = []] = await nodes.engine.read([{ sql: "SELECT n FROM tidings_head" }]);
  return Number(row?.["n"]);
}

/** The first write of a higher level by a newer release; its entry is in a table that this one does not know. */
const writeNewer = (nodes: SharedNodes) =>
  nodes.engine.write([{ sql: raiseLevel, args: [levelMax + 1] }, { sql: "UPDATE tidings_head SET n = n + 1" }]);

const ask = (nodes: SharedNodes, method: string, path: string, body?: object): Promise<Response> =>
  chatOf(nodes).fetch(
    new Request(`http://127.0.0.1${path}`, {
      method,
      headers: { "x-user": "alice", "Content-Type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    }),
  );

/** Waits for the close, or for an event that must not come before it: a frame, or that the node has followed the log past the unreadable entry. */
async function ended(nodes: SharedNodes, phone: FakeSocket, { told, counted }: Told): Promise<void> {
  const hasPassed = (): boolean => phone.of("changes").length > told || countsOf(nodes) !== counted;
  await until(() => phone.state.closed !== null || hasPassed());
}

type Told = { readonly told: number; readonly counted: string };
const countsOf = (nodes: SharedNodes): string => JSON.stringify(chatOf(nodes).counts());

const id = "01980000-0000-7000-8000-0000000000aa";

/** Nothing is served here any more, and no frame with a cursor has come since `frames` had come. */
async function expectStopped(nodes: SharedNodes): Promise<void> {
  const chat = chatOf(nodes);
  expect([chat.isReady(), chat.trouble()]).toEqual([false, "level"]);
  const headers = { upgrade: "websocket", "x-user": "alice" };
  const refusal = await chat.admit(new Request("http://127.0.0.1/ws", { headers }));
  expect(refusal instanceof Response && refusal.status).toBe(503);
  const { status } = await ask(nodes, "POST", "/messages", { id, to: "bob", text: "behind it" });
  expect(status).toBe(503);
  expect((await ask(nodes, "GET", "/messages?with=bob")).status).toBe(503);
}

describe("a log that holds what this release cannot read", () => {
  test("O11 a level above its own, found by the poll: sockets are closed with 1012 before a cursor passes it", async () => {
    const nodes = await start();
    await chatOf(nodes).send({ from: "bob", to: "alice", text: "before" });
    const phone = await nodes.connect("alice");
    await until(() => isLive(phone) && textsOf(phone).length === 1);
    const told = phone.of("changes").length;
    const counted = countsOf(nodes);
    await writeNewer(nodes);
    await ended(nodes, phone, { told, counted });
    expect(phone.state.closed).toEqual({ code: 1012, reason: "this server is older than its database" });
    expect(phone.of("changes").length).toBe(told);
    await expectStopped(nodes);
  });

  test("O11 an unknown kind, announced by another node: nothing of it reaches a client, and no cursor passes it", async () => {
    const nodes = await start({ limits: { headPollMs: 1_000_000 } });
    const phone = await nodes.connect("alice");
    await until(() => isLive(phone));
    const told = phone.of("changes").length;
    const counted = countsOf(nodes);
    const n = await head(nodes);
    const change = { kind: "poll", n: n + 1, conversation: "c7" };
    const entries = [{ tenant: "default", users: ["alice"], change }];
    nodes.bus.connect().publish(["commits", await nodes.epoch()], JSON.stringify({ from: n, to: n + 1, entries }));
    await ended(nodes, phone, { told, counted });
    expect(phone.state.closed?.code).toBe(1012);
    expect(phone.of("changes").length).toBe(told);
    await expectStopped(nodes);
  });

  test("S40 a write of a node that has not looked yet is refused by the database", async () => {
    const nodes = await start({ limits: { headPollMs: 1_000_000 } });
    await chatOf(nodes).send({ from: "bob", to: "alice", text: "before" });
    await writeNewer(nodes);
    const n = await head(nodes);
    await expect(chatOf(nodes).send({ from: "bob", to: "alice", text: "behind" })).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(await head(nodes)).toBe(n);
    await until(() => chatOf(nodes).trouble() === "level");
    await expectStopped(nodes);
  });

  test("O11 a page that was being read when it was written is not shown", async () => {
    const gate = Promise.withResolvers<void>();
    let isHeld = false;
    const nodes = await start({
      limits: { headPollMs: 1_000_000 },
      wrapEngine: (engine) => ({
        ...engine,
        async read(statements) {
          if (!statements.some(({ sql }) => sql === selectNews)) return await engine.read(statements);
          isHeld = true;
          await gate.promise;
          return await engine.read(statements);
        },
      }),
    });
    await chatOf(nodes).send({ from: "bob", to: "alice", text: "before" });
    const phone = await nodes.connect("alice");
    await until(() => isHeld);
    await writeNewer(nodes);
    gate.resolve();
    await ended(nodes, phone, { told: 0, counted: countsOf(nodes) });
    expect(phone.of("changes")).toEqual([]);
  });

  test("O11 it does not recover by itself, and is refused at the next start of the same release", async () => {
    const nodes = await start();
    await writeNewer(nodes);
    await until(() => chatOf(nodes).trouble() === "level");
    const again = createChat({
      database: { url: "file:unused", open: () => ({ ...nodes.engine, close: async () => {} }) },
      authenticate: () => ({ user: "alice" }),
    });
    await expect(again.ready()).rejects.toMatchObject({
      code: "database_unfit",
      message: `The database holds what this release of Tidings cannot read (level ${levelMax + 1}; it reads up to level ${levelMax}): start a newer release`,
    });
    await again.close();
    await nodes.engine.write([{ sql: "UPDATE tidings_head SET level = 1" }]);
    await Bun.sleep(200);
    await expectStopped(nodes);
  });

  test("O11 an unreadable entry that a node finds while it opens is refused as well", async () => {
    const nodes = await start();
    const chat = openMeanwhile(nodes, async () => {
      await nodes.engine.write([{ sql: raiseLevel, args: [levelMax + 1] }]);
    });
    await expect(chat.ready()).rejects.toMatchObject({ code: "database_unfit" });
    await chat.close();
  });

  test("O11 a restored backup of a newer release is not served either", async () => {
    const nodes = await start();
    const phone = await nodes.connect("alice");
    await until(() => isLive(phone));
    await nodes.engine.write([
      { sql: raiseLevel, args: [levelMax + 1] },
      { sql: "UPDATE tidings_head SET epoch = 'restored0001'" },
    ]);
    await closed(phone);
    await until(() => chatOf(nodes).trouble() === "level");
    await expectStopped(nodes);
  });
});

/** Bugs, each with a part of the name of a test that must show it. */
const bugs: readonly (readonly [bug: PlantName, shown: string])[] = [
  ["the level of the log is not looked at", "O11 a level above its own"],
  ["the level of the log is not looked at", "O11 a page that was being read"],
  ["an unknown kind is taken from the bus as it is", "O11 an unknown kind"],
  ["an unknown kind is left out", "O11 an unknown kind"],
  ["a write does not say up to which level it reads", "S40 a write of a node"],
  ["reads go on behind a level that is too high", "O11 a level above its own"],
];

describe("an unreadable log", () => {
  for (const [bug, shown] of bugs)
    test(`control: O11 S40 "${shown}" shows that ${bug}`, async () => {
      const failed = await failingTests(join(import.meta.dir, "level.test.ts"), {
        alterations: plant(bug),
        name: shown,
      });
      expect(failed.some((name) => name.startsWith(shown))).toBe(true);
    });
});
