import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { createChat } from "../../../src/chat.ts";
import type { Engine, Statement } from "../../../src/store/engine/engine.ts";
import { createRemoteEngine } from "../../../src/store/engine/remote.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import { ask, getMessages, serverAt } from "../../http/ask.ts";
import { plant } from "../../plants/index.ts";
import { startAltered } from "../../support/alteration.ts";
import { connect, endClients, isTyping } from "../../support/client.ts";
import { until } from "../../support/fake-socket.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { type Sqld, startSqld } from "../../support/sqld.ts";
import { accepted, append, newId, person, storeOn } from "../../support/store.ts";
import { testFolders } from "../../support/test-folders.ts";
import { type DriverFault, withDriverFault } from "./driver-fault.ts";

const newFolder = testFolders();
afterEach(endClients);

const send = (server: RunningServer, from: string, to: string, text: string) =>
  ask(serverAt(server.port), from, "/messages", { body: { id: newId(), to, text } });

const readBroken = (server: RunningServer) => getMessages(serverAt(server.port), "trent", "with=mallory&limit=100");
const readHealthy = (server: RunningServer) => getMessages(serverAt(server.port), "bob", "with=alice&limit=100");
const readiness = (server: RunningServer) => ask(serverAt(server.port), "alice", "/readyz");

/** Overwrites one page in the middle of the messages between these two users, and of no other user. */
function damage(file: string, marker: string): void {
  const bytes = readFileSync(file);
  const pages: number[] = [];
  for (let page = 1; page * 4096 < bytes.length; page++) {
    const text = bytes.toString("latin1", page * 4096, (page + 1) * 4096);
    if (text.includes(marker) && !text.includes("healthy")) pages.push(page);
  }
  const page = pages[Math.floor(pages.length / 2)];
  if (page === undefined) throw new Error("No page holds that text alone");
  bytes.fill(0xa5, page * 4096, (page + 1) * 4096);
  writeFileSync(file, bytes);
}

type Start = (dir: string) => Promise<RunningServer>;

/**
 * A server on a database in which one page of one conversation is broken, among so many others of it that nobody else's way leads through it: a short
 * stretch of the log is read with all of its rows.
 */
async function onDamaged(start: Start): Promise<RunningServer> {
  const dir = newFolder();
  const first = await startServer({ dir });
  for (let i = 0; i < 5; i++) await send(first, "alice", "bob", `healthy ${i}`);
  for (let i = 0; i < 160; i++) await send(first, "mallory", "trent", `broken ${i} ${"y".repeat(900)}`);
  for (const user of ["alice", "bob", "trent"]) (await connect(first.url, { user })).terminate();
  expect(await first.stop()).toBe(0);
  damage(join(dir, "tidings.db"), "broken");
  return await start(dir);
}

describe("a damaged page", () => {
  test("D26 S20 its readers are refused, nothing is accepted any more, and all others read on, new connections too", async () => {
    const server = await onDamaged((dir) => startServer({ dir }));
    try {
      const bob = await connect(server.url, { user: "bob" });
      expect((await send(server, "alice", "bob", "healthy before")).status).toBe(201);
      for (let i = 0; i < 3; i++) {
        expect((await readBroken(server)).status).toBe(503);
        expect((await readHealthy(server)).status).toBe(200);
      }
      expect(await readiness(server)).toMatchObject({
        status: 503,
        text: '{"status":"unavailable","trouble":"damaged"}',
      });
      expect((await send(server, "alice", "bob", "healthy after")).status).toBe(503);
      expect(server.output().split("the database is damaged").length).toBe(2);
      expect(server.output()).toContain("SQLITE_CORRUPT");
      // It does not recover by itself, since a successful commit proves nothing.
      await Bun.sleep(300);
      expect((await readiness(server)).status).toBe(503);
      const alice = await connect(server.url, { user: "alice" });
      bob.typing({ to: "alice" });
      await alice.next(isTyping);
      expect((await readHealthy(server)).text).toContain("healthy before");
      expect(await server.stop()).toBe(0);
    } finally {
      await server.dispose();
    }
  });

  test("control: D26 a server that treats it like any failure still accepts", async () => {
    const alterations = plant("a damaged file is taken for any failure");
    const server = await onDamaged((dir) => startAltered({ dir, alterations }));
    try {
      expect((await readBroken(server)).status).toBe(503);
      expect((await send(server, "alice", "bob", "healthy after")).status).toBe(201);
    } finally {
      await server.dispose();
    }
  });
});

/** A store on a file with a driver that fails as a test wants. */
async function faultyStore() {
  const inner = createEmbeddedEngine({ path: join(newFolder(), "chat.db") });
  let fault: { in: "read" | "write"; driver: DriverFault } | undefined;
  const over =
    (kind: "read" | "write"): Engine["write"] =>
    (statements) => {
      if (
        fault?.in !== kind ||
        (kind === "read" && /FROM tidings_head/.test(statements[0]?.sql ?? "") && statements.length === 1)
      )
        return inner[kind](statements);
      return withDriverFault(fault.driver, () => inner[kind](statements));
    };
  const engine: Engine = { ...inner, read: over("read"), write: over("write") };
  const made = await storeOn(engine);
  // As the feed does first.
  await made.store.head();
  return { ...made, fail: (next: typeof fault): void => void (fault = next) };
}

describe("a store whose calls fail", () => {
  for (const code of ["SQLITE_IOERR", "SQLITE_BUSY"] as const)
    test(`S20 a read that fails with ${code} leaves it available`, async () => {
      const { store, fail, faults } = await faultyStore();
      await accepted(store, { from: "alice", to: "bob" });
      fail({ in: "read", driver: { code, at: "begin", statement: 0 } });
      await expect(store.changes(person("bob"), 0, { rows: 10, bytes: 100_000 })).rejects.toMatchObject({
        code: "unavailable",
      });
      expect(store.trouble()).toBe(null);
      await Bun.sleep(1);
      expect(store.trouble()).toBe(null);
      fail(undefined);
      expect(faults).toHaveLength(1);
      await accepted(store, { from: "alice", to: "bob" });
      await store.close();
    });

  for (const kind of ["read", "write"] as const)
    for (const code of ["SQLITE_CORRUPT", "SQLITE_NOTADB"] as const)
      test(`D26 ${code} in a ${kind} stops accepting for good, and reads go on`, async () => {
        const { store, fail } = await faultyStore();
        await accepted(store, { from: "alice", to: "bob" });
        fail({ in: kind, driver: { code, at: "begin", statement: 0 } });
        if (kind === "read")
          await expect(store.changes(person("bob"), 0, { rows: 10, bytes: 100_000 })).rejects.toThrow();
        else expect(await append(store, { from: "alice", to: "bob" })).toMatchObject({ code: "unavailable" });
        fail(undefined);
        await Bun.sleep(100);
        expect(store.trouble()).toBe("damaged");
        expect(await append(store, { from: "alice", to: "bob" })).toMatchObject({ code: "unavailable" });
        expect((await store.changes(person("bob"), 0, { rows: 10, bytes: 100_000 })).changes).toHaveLength(1);
        await expect(store.openDevice(person("carol"), "new")).rejects.toMatchObject({ code: "unavailable" });
        await store.close();
      });

  test("S20 K3 a database that answers no request is not available, until it answers", async () => {
    const inner = createEmbeddedEngine({ path: join(newFolder(), "chat.db") });
    let isAway = false;
    const engine: Engine = {
      ...inner,
      read: (statements) => (isAway ? Promise.reject(new TypeError("fetch failed")) : inner.read(statements)),
    };
    const { store } = await storeOn(engine);
    isAway = true;
    await expect(store.changes(person("bob"), 0, { rows: 10, bytes: 100_000 })).rejects.toThrow();
    await until(() => store.trouble() === "reads");
    isAway = false;
    await store.head();
    expect(store.trouble()).toBe(null);
    await store.close();
  });
});

describe("one caller's failure on a database server", () => {
  /** How many of this many upgrades of other users are refused during a request that is too large for the server. */
  async function refusals(sqld: Sqld, count: number): Promise<{ refused: number; failed: number }> {
    await migrate(createRemoteEngine({ url: sqld.url }), bundledMigrations);
    const tooMuch = { sql: "SELECT hex(zeroblob(6000000)) AS n" };
    const open = ({ url }: { readonly url: string }): Engine => {
      const inner = createRemoteEngine({ url });
      const isWhy = (statements: readonly Statement[]): boolean =>
        statements.some(({ args }) => args?.includes("mallory"));
      return {
        ...inner,
        read: (statements) => inner.read(isWhy(statements) ? [tooMuch] : statements),
      };
    };
    const chat = createChat({
      database: { url: sqld.url, open },
      authenticate: ({ url }) => ({ user: new URL(url).searchParams.get("user") ?? "" }),
      rates: { work: { user: null, address: null } },
    });
    await chat.ready();
    const upgrade = new Headers({ Upgrade: "websocket", Connection: "Upgrade" });
    let refused = 0;
    let failed = 0;
    for (let i = 0; i < count; i++) {
      const asked = chat.fetch(new Request(`http://localhost/conversations?user=mallory`));
      const admitted = chat.admit(new Request("http://localhost/ws?user=alice", { headers: upgrade }));
      if ((await asked).status === 503) failed++;
      const after = chat.admit(new Request("http://localhost/ws?user=bob", { headers: upgrade }));
      for (const answer of [await admitted, await after]) if (answer instanceof Response) refused++;
    }
    await chat.close();
    return { refused, failed };
  }

  test("S20 a refusal for one of them is no refusal for others", async () => {
    const sqld = await startSqld();
    try {
      expect(await refusals(sqld, 20)).toEqual({ refused: 0, failed: 20 });
    } finally {
      await sqld.stop();
    }
  });
});

test("S20 E22 statements that are too slow cause no refusal of others while the server answers", async () => {
  const sqld = await startSqld();
  const { promise: hanging } = Promise.withResolvers<Response>();
  const engine = createRemoteEngine({
    url: sqld.url,
    deadlineMs: 500,
    async fetch(request, init) {
      const body = await request.clone().text();
      return body.includes("too slow") ? await hanging : await fetch(request, init);
    },
  });
  try {
    const slow = Array.from({ length: 6 }, () => engine.read([{ sql: "SELECT 'too slow'" }]).catch(String));
    // Others are answered during it, and at the moment when it is given up.
    await Bun.sleep(100);
    expect(await engine.read([{ sql: "SELECT 1 AS one" }])).toEqual([[{ one: 1 }]]);
    await Promise.all(slow);
    expect(await engine.read([{ sql: "SELECT 2 AS two" }])).toEqual([[{ two: 2 }]]);
    expect(await Promise.all(slow)).toEqual(Array.from(slow, () => expect.stringContaining("did not answer")));
  } finally {
    await engine.close();
    await sqld.stop();
  }
});

test("D26 a file that is no database is refused at the start", () => {
  const file = join(newFolder(), "chat.db");
  const database = new Database(file);
  database.exec("CREATE TABLE t (a)");
  database.close();
  const bytes = readFileSync(file);
  bytes.fill(0, 0, 100);
  bytes.write("something else", 0);
  writeFileSync(file, bytes);
  expect(() => createEmbeddedEngine({ path: file })).toThrow(expect.objectContaining({ code: "database_unfit" }));
});
