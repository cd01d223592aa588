import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/internal/clock.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { openEngine } from "../../src/store/engine/open.ts";
import { createRemoteEngine } from "../../src/store/engine/remote.ts";
import { commitInPlace, commitOnThread } from "../support/commit-in-place.ts";
import { type FakeClock, fakeClock, passes } from "../support/fake-clock.ts";
import { startLink } from "../support/link.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";
import { describeEngine } from "./engine.contract.ts";
import { deadline } from "../support/deadline.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-engine-"));
const servers: Sqld[] = [];
let files = 0;
/** A clock that a test moves. At each step a real network has 2 ms to work. */
const startClock = (): FakeClock => fakeClock(undefined, () => Bun.sleep(2));
const waited = (clock: FakeClock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
const newFile = (): string => join(folder, `chat-${files++}.db`);

beforeAll(commitOnThread);
afterAll(async () => {
  commitInPlace();
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describeEngine("embedded engine", async () => {
  const engine = createEmbeddedEngine({ path: newFile() });
  return { engine, close: () => engine.close() };
});

describeEngine("remote engine", async () => {
  const server = await startSqld({ isGuarded: true });
  const engine = createRemoteEngine({ url: server.url, authToken: server.authToken ?? "" });
  return {
    engine,
    async close() {
      await engine.close();
      await server.stop();
    },
  };
});

describe("openEngine", () => {
  const before = process.cwd();
  beforeAll(() => process.chdir(folder));
  afterAll(() => process.chdir(before));

  test("E17 file: URLs name files, relative and absolute", async () => {
    mkdirSync(join(folder, "x"), { recursive: true });
    const urls: [string, string][] = [
      ["file:open-a.db", "open-a.db"],
      ["file:./x/open-b.db", "x/open-b.db"],
      [`file:${join(folder, "open-c.db")}`, "open-c.db"],
      [`file://${join(folder, "open-d.db")}`, "open-d.db"],
      ["FILE:open%20e.db", "open e.db"],
    ];
    for (const [url, file] of urls) {
      const engine = openEngine({ url });
      await engine.close();
      expect(existsSync(join(folder, file))).toBe(true);
    }
  });

  test("E17 a file that does not stay, or cannot be, is refused", () => {
    for (const url of [
      "file::memory:",
      "file:",
      "file:a.db?mode=memory",
      "file://host/a.db",
      "file:%E0%A4%A",
      "file:./missing/a.db",
      "file:x",
    ]) {
      expect(() => openEngine({ url })).toThrow(expect.objectContaining({ code: "config_invalid" }));
    }
    expect(() => createEmbeddedEngine({ path: ":memory:" })).toThrow(
      expect.objectContaining({ code: "config_invalid" }),
    );
  });

  test("E17 an unknown scheme is refused by name, without its secrets", () => {
    for (const url of [
      "postgres://me:secret@host/db?password=secret",
      "chat.db",
      "",
      ":memory:",
      "C:\\chat.db",
      "file://me:secret@host/a.db",
      "file:a.db?authToken=secret",
    ]) {
      try {
        openEngine({ url });
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: "config_invalid" });
        expect(String(error)).not.toContain("secret");
      }
    }
    expect(() => openEngine({ url: "postgres://me:secret@host/db" })).toThrow('got "postgres://host/db"');
  });

  test("E17 a server's URL that the client does not take is refused at once", () => {
    for (const url of ["libsql://host?tls=0", "http://host?nonsense=1", "libsql://"]) {
      expect(() => openEngine({ url })).toThrow(expect.objectContaining({ code: "config_invalid" }));
    }
  });
});

describe("remote engine, the network", () => {
  test("E18 ws:// and libsql:// reach the same server as http://", async () => {
    const server = await startSqld();
    servers.push(server);
    const host = server.url.slice("http://".length);
    for (const url of [`http://${host}`, `ws://${host}`, `libsql://${host}?tls=0`]) {
      const engine = openEngine({ url, authToken: "unused" });
      expect(await engine.read([{ sql: "SELECT 1 AS one" }])).toEqual([[{ one: 1 }]]);
      await engine.close();
    }
  });

  test("E19 a call that is not answered rejects at its deadline, and the next call works", async () => {
    const server = await startSqld();
    servers.push(server);
    let isStuck = true;
    const proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        if (isStuck) return new Promise<Response>(() => {});
        const { pathname } = new URL(request.url);
        const answer = await fetch(server.url + pathname, { method: "POST", body: await request.arrayBuffer() });
        return new Response(await answer.arrayBuffer(), { headers: { "content-type": "application/json" } });
      },
    });
    const clock = startClock();
    const engine = createRemoteEngine({ url: `http://127.0.0.1:${proxy.port}`, deadlineMs: 400, clock });
    const refused = engine.write([{ sql: "SELECT 1" }]).catch((error: unknown) => error);
    expect(await passes(clock, refused)).toBeWithin(400, 500);
    expect(await refused).toMatchObject({ code: "unavailable" });
    isStuck = false;
    expect(await engine.read([{ sql: "SELECT 1 AS one" }])).toEqual([[{ one: 1 }]]);
    await engine.close();
    await proxy.stop(true);
  });

  test("E19 a server that is down rejects as `unavailable`", async () => {
    const server = await startSqld();
    const engine = createRemoteEngine({ url: server.url, deadlineMs: deadline.answerMs });
    await engine.write([{ sql: "CREATE TABLE t (a)" }]);
    await server.kill("SIGKILL");
    await expect(engine.read([{ sql: "SELECT 1" }])).rejects.toMatchObject({ code: "unavailable" });
    await engine.close();
    await server.stop();
  });

  test("E22 a server that is down is asked by one call at a time, the others are refused at once, and once it is back all goes on", async () => {
    const server = await startSqld();
    servers.push(server);
    const clock = startClock();
    const engine = createRemoteEngine({ url: server.url, clock });
    const ask = () => engine.read([{ sql: "SELECT 1 AS one" }]);
    // What the database itself refuses says that it is there.
    for (let i = 0; i < 10; i++) await engine.read([{ sql: "SELECT nothing" }]).catch(() => {});
    expect(await ask()).toEqual([[{ one: 1 }]]);
    await server.kill("SIGKILL");
    for (let i = 0; i < 20; i++) await ask().catch(() => {});
    await expect(ask()).rejects.toThrow("is asked again soon");
    await server.restart();
    const start = clock.elapsed();
    while (clock.elapsed() - start < 1_000 && (await ask().catch(() => null)) === null) await clock.advance(20);
    expect(await ask()).toEqual([[{ one: 1 }]]);
    await engine.close();
  });

  test("E22 of many calls at once one asks a server that is down, and the others reject at once", async () => {
    let requests = 0;
    const clock = startClock();
    const engine = createRemoteEngine({
      ...{ url: "http://127.0.0.1:9", deadlineMs: 400, clock },
      fetch: () => {
        requests++;
        return new Promise<Response>(() => {});
      },
    });
    for (let i = 0; i < 3; i++)
      await passes(
        clock,
        engine.write([{ sql: "SELECT 1" }]).catch(() => {}),
      );
    await clock.advance(100);
    requests = 0;
    let refused = 0;
    const calls = Array.from({ length: 40 }, (_, i) =>
      engine[i % 2 ? "read" : "write"]([{ sql: "SELECT 1" }]).catch(() => void refused++),
    );
    await clock.advance(90);
    expect([requests, refused]).toEqual([1, 39]);
    await passes(clock, Promise.all(calls));
    await engine.close();
  });

  test("E22 a server that hangs costs three calls their deadline, and the others nothing", async () => {
    const silent = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Promise<Response>(() => {}) });
    const clock = startClock();
    const engine = createRemoteEngine({ url: `http://127.0.0.1:${silent.port}`, deadlineMs: 300, clock });
    async function askOften(): Promise<void> {
      for (let i = 0; i < 30; i++) await engine.read([{ sql: "SELECT 1" }]).catch(() => {});
    }
    expect(await passes(clock, askOften())).toBeWithin(900, 2_000);
    await engine.close();
    await silent.stop(true);
  });

  test("E25 however much is asked at once, a server has eight reads and two writes under way, and refuses nothing", async () => {
    const server = await startSqld();
    servers.push(server);
    const underWay = { read: 0, write: 0 };
    const most = { read: 0, write: 0 };
    let refusals = 0;
    const engine = createRemoteEngine({
      ...{ url: server.url, deadlineMs: deadline.bulkMs },
      async fetch(request, init) {
        const mode = (await request.clone().text()).includes("BEGIN IMMEDIATE") ? "write" : "read";
        most[mode] = Math.max(most[mode], ++underWay[mode]);
        const response = await fetch(request, init).finally(() => underWay[mode]--);
        if (!response.ok) refusals++;
        return response;
      },
    });
    await engine.write([{ sql: "CREATE TABLE t (a INTEGER PRIMARY KEY)" }]);
    const asked = Array.from({ length: 1_500 }, (_, i) =>
      i % 10 === 0
        ? engine.write([{ sql: "INSERT INTO t VALUES (?)", args: [i] }])
        : engine.read([{ sql: "SELECT count(*) AS c FROM t" }]),
    );
    await Promise.all(asked);
    expect(await engine.read([{ sql: "SELECT count(*) AS c FROM t" }])).toEqual([[{ c: 150 }]]);
    expect({ most, refusals }).toEqual({ most: { read: 8, write: 2 }, refusals: 0 });
    await engine.close();
  });

  test("E25 reads that wait go together, and each has its own answer, whatever becomes of the others", async () => {
    const server = await startSqld();
    servers.push(server);
    let requests = 0;
    const engine = createRemoteEngine({
      ...{ url: server.url, deadlineMs: deadline.bulkMs },
      fetch: (request, init) => {
        requests++;
        return fetch(request, init);
      },
    });
    const rowOf = async (sql: string): Promise<unknown> => {
      const [first, second] = await engine.read([{ sql }, { sql: "SELECT 7 AS seven" }]);
      return { ...first?.[0], ...second?.[0] };
    };
    const wanted = (i: number): object => ({ [`column${i}`]: i, seven: 7 });
    const columns = Array.from({ length: 200 }, (_, i) => i);
    const found = await Promise.all(columns.map((i) => rowOf(`SELECT ${i} AS column${i}`)));
    expect(found).toEqual(columns.map(wanted));
    expect(requests).toBeLessThan(30);

    const [broken, large] = ["SELECT nothing", "SELECT hex(zeroblob(1000000)) AS x"];
    const mixed = await Promise.allSettled(
      columns.map((i) => rowOf(i % 20 === 19 ? broken : i % 4 === 0 ? large : `SELECT ${i} AS column${i}`)),
    );
    for (const [i, one] of mixed.entries())
      if (i % 20 === 19) expect(one).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
      else if (i % 4 === 0) expect(one).toMatchObject({ status: "fulfilled", value: { seven: 7 } });
      else expect(one).toEqual({ status: "fulfilled", value: wanted(i) });
    await engine.close();
  });

  test("E25 a server that has too much to do is asked again, reads and writes alike, and no longer than the deadline", async () => {
    const server = await startSqld();
    servers.push(server);
    type Refuse = (asked: readonly { readonly type: string }[]) => Response;
    const tooMany: Refuse = () => new Response("Too many requests", { status: 429 });
    const state = { refusals: 3, requests: 0, refuse: tooMany };
    const nothing = [null, null, null, null];
    const locked = [{ message: "SQLite error: database is locked", code: "SQLITE_BUSY" }, null, null, null];
    const result = { step_results: nothing, step_errors: locked };
    const rolledBack: Refuse = (asked) => {
      const results = asked.map(({ type }) => ({
        type: "ok",
        response: { type, ...(type === "batch" && { result }) },
      }));
      return Response.json({ baton: null, base_url: null, results });
    };
    const proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        state.requests++;
        const body = await request.text();
        if (state.refusals-- > 0) return state.refuse(JSON.parse(body).requests);
        const { pathname } = new URL(request.url);
        const answer = await fetch(server.url + pathname, { method: "POST", body });
        return new Response(await answer.arrayBuffer(), { headers: { "content-type": "application/json" } });
      },
    });
    const engine = createRemoteEngine({ url: `http://127.0.0.1:${proxy.port}`, deadlineMs: deadline.answerMs });
    for (const refuse of [tooMany, rolledBack])
      for (const mode of ["read", "write"] as const) {
        Object.assign(state, { refuse, refusals: 3, requests: 0 });
        expect(await engine[mode]([{ sql: "SELECT 1 AS one" }])).toEqual([[{ one: 1 }]]);
        expect(state.requests).toBe(4);
      }
    await engine.close();
    await proxy.stop(true);

    const clock = startClock();
    const refused = createRemoteEngine({
      ...{ url: server.url, deadlineMs: 1_000, clock },
      fetch: async (request) => rolledBack(JSON.parse(await request.text()).requests),
    });
    const late = refused.read([{ sql: "SELECT 1" }]).catch(String);
    expect(await passes(clock, late)).toBeWithin(500, 1_100);
    expect(await late).toContain("database is locked");
    await refused.close();
  });

  describe("a server that takes long", () => {
    const one = { sql: "SELECT 1 AS one" };

    /** An engine on a server of which a test says when it answers what. */
    async function startSlow(deadlineMs: number, clock: Clock = systemClock) {
      const server = await startSqld();
      servers.push(server);
      const asked: string[] = [];
      const inits: RequestInit[] = [];
      let answerOf: (body: string) => Promise<Response | null> = async () => null;
      const engine = createRemoteEngine({
        ...{ url: server.url, deadlineMs, clock },
        async fetch(request, init) {
          const body = await request.clone().text();
          asked.push(body);
          inits.push(init);
          return (await answerOf(body)) ?? (await fetch(request, init));
        },
      });
      return { engine, asked, inits, answer: (by: typeof answerOf) => void (answerOf = by) };
    }
    const never = (): Promise<Response> => new Promise(() => {});

    test("E19 E25 a call ends at its deadline, whether the server was busy first, was silent, or its turn did not come", async () => {
      const clock = startClock();
      const { engine, answer } = await startSlow(600, clock);
      const start = clock.elapsed();
      answer(async () => (clock.elapsed() - start < 400 ? new Response("", { status: 429 }) : never()));
      const calls = Array.from({ length: 20 }, (_, i) => engine[i % 2 ? "read" : "write"]([one]));
      const ends = Promise.all(calls.map((call) => call.catch(() => clock.elapsed() - start)));
      await passes(clock, ends);
      for (const ms of await ends) expect(ms).toBeLessThan(700);
      await engine.close();
    });

    test("E25 a write waits for no reads", async () => {
      const { engine, answer } = await startSlow(deadline.answerMs);
      answer(async (body) => (body.includes("slow") ? never() : null));
      let ended = 0;
      const slow = Array.from({ length: 20 }, () =>
        engine.read([{ sql: "SELECT 'slow'" }]).catch(() => (ended++, "ended")),
      );
      expect(await engine.write([one])).toEqual([[{ one: 1 }]]);
      expect(ended).toBe(0);
      await engine.close();
      expect(new Set(await Promise.all(slow))).toEqual(new Set(["ended"]));
    });

    test("E25 K11 a closed engine sends nothing more, and rejects all calls that wait", async () => {
      const clock = startClock();
      const { engine, asked, answer } = await startSlow(400, clock);
      answer(async () => new Response("", { status: 429 }));
      const calls = Array.from({ length: 30 }, (_, i) => engine[i % 2 ? "read" : "write"]([one]));
      const codes = calls.map((call) => call.catch(({ code }: { code: string }) => code));
      // Just before a second time would be asked.
      await clock.advance(90);
      await engine.close();
      const before = asked.length;
      // They end while the clock does not move, so not by a deadline.
      expect(new Set(await Promise.all(codes))).toEqual(new Set(["unavailable"]));
      await clock.advance(600);
      expect(asked).toHaveLength(before);
    });

    test("E24 a server that is only slow is asked twice by two reads at a time, and its connections are kept", async () => {
      const clock = startClock();
      const { engine, asked, inits, answer } = await startSlow(20_000, clock);
      // Counted at the first answer: later requests depend on how long the real server takes.
      let askedByThen = 0;
      answer(async () => {
        await waited(clock, 6_500);
        askedByThen ||= asked.length;
        return null;
      });
      await passes(clock, Promise.all(Array.from({ length: 8 }, () => engine.read([one]))));
      expect(askedByThen).toBe(10);
      answer(async () => null);
      await clock.advance(6_000);
      expect(await engine.read([one])).toEqual([[{ one: 1 }]]);
      expect(inits.at(-1)?.keepalive).not.toBe(false);
      await engine.close();
    });
  });

  describe("connections that the network has lost without a word", () => {
    const deadlineMs = 12_000;

    /** An engine that has lost all its connections, one for each read that was under way. */
    async function loseAll() {
      const server = await startSqld();
      servers.push(server);
      const link = await startLink(Number(new URL(server.url).port));
      const clock = startClock();
      const engine = createRemoteEngine({ url: `http://127.0.0.1:${link.port}`, deadlineMs, clock });
      await Promise.all(Array.from({ length: 30 }, () => engine.read([{ sql: "SELECT 1 AS one" }])));
      link.lose();
      link.mend();
      const end = async (): Promise<void> => {
        await engine.close();
        link.stop();
      };
      return { engine, clock, end };
    }

    test("E24 R9 they cost a write one deadline, however many there are", async () => {
      const { engine, clock, end } = await loseAll();
      const write = () => engine.write([{ sql: "SELECT 1 AS one" }]);
      const lost = write().catch((error: unknown) => error);
      expect(await passes(clock, lost)).toBeWithin(deadlineMs, deadlineMs + 100);
      expect(await lost).toMatchObject({ code: "unavailable" });
      for (let i = 0; i < 10; i++) expect(await write()).toEqual([[{ one: 1 }]]);
      await end();
    });

    test("E24 R9 O10 they cost one read a quarter of a deadline, and are not used after it", async () => {
      const { engine, clock, end } = await loseAll();
      const read = () => engine.read([{ sql: "SELECT 1 AS one" }]);
      const readOften = async (times: number): Promise<void> => {
        for (let i = 0; i < times; i++) expect(await read()).toEqual([[{ one: 1 }]]);
      };
      const firstMs = await passes(clock, readOften(1));
      // The server answers the others in real time: the clock moves slowly beside it.
      const othersMs = await passes(clock, readOften(9), 1);
      expect(firstMs + othersMs).toBeLessThan(deadlineMs * 0.75);
      expect(await engine.write([{ sql: "SELECT 1 AS one" }])).toEqual([[{ one: 1 }]]);
      await end();
    });

    test("E24 a read that is answered late is asked twice, and answered once", async () => {
      const server = await startSqld();
      servers.push(server);
      let requests = 0;
      const clock = startClock();
      const proxy = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        async fetch(request) {
          const isFirst = requests++ === 0;
          const { pathname } = new URL(request.url);
          const answer = await fetch(server.url + pathname, { method: "POST", body: await request.arrayBuffer() });
          await waited(clock, isFirst ? 5_000 : 8_000);
          return new Response(await answer.arrayBuffer(), { headers: { "content-type": "application/json" } });
        },
      });
      const engine = createRemoteEngine({ url: `http://127.0.0.1:${proxy.port}`, deadlineMs, clock });
      const read = engine.read([{ sql: "SELECT 1 AS one" }]);
      expect(await passes(clock, read)).toBeWithin(5_000, 7_000);
      expect(await read).toEqual([[{ one: 1 }]]);
      expect(requests).toBe(2);
      await engine.close();
      await proxy.stop(true);
    });
  });

  test("E23 a call with no token, or another server's, is refused, and no message shows it", async () => {
    const [server, other] = [await startSqld({ isGuarded: true }), await startSqld({ isGuarded: true })];
    servers.push(server, other);
    for (const authToken of [undefined, "canary", other.authToken]) {
      const engine = createRemoteEngine({ url: server.url, ...(authToken !== undefined && { authToken }) });
      const refused = await engine.read([{ sql: "SELECT 1" }]).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "unavailable" });
      expect(String(refused)).not.toContain(authToken ?? "canary");
      await engine.close();
    }
  });

  test("E26 a token that has expired is asked for anew, once for all calls that were refused", async () => {
    const server = await startSqld({ isGuarded: true });
    servers.push(server);
    const { authToken: good = "", expiredToken: expired = "" } = server;
    let asked = 0;
    const engine = createRemoteEngine({
      url: server.url,
      authToken: async () => {
        asked++;
        await Bun.sleep(0);
        return asked === 1 ? expired : good;
      },
    });
    const calls = Array.from({ length: 20 }, (_, i) => engine[i % 2 ? "read" : "write"]([{ sql: "SELECT 1 AS one" }]));
    expect(await Promise.all(calls)).toEqual(calls.map(() => [[{ one: 1 }]]));
    await engine.write([{ sql: "CREATE TABLE t (a)" }]);
    await engine.write([{ sql: "INSERT INTO t VALUES (1)" }]);
    expect(await engine.read([{ sql: "SELECT a FROM t" }])).toEqual([[{ a: 1 }]]);
    expect(asked).toBe(2);
    await engine.close();
  });

  describe("E26 a server with tokens that expire", () => {
    /** A server that accepts one token, and the requests that it got. */
    function guarded() {
      const state = { good: "first", requests: 0 };
      const fetch = async (request: Request): Promise<Response> => {
        state.requests++;
        if (request.headers.get("authorization") !== `Bearer ${state.good}`) return new Response("no", { status: 401 });
        const sql = { type: "execute", result: { cols: [{ name: "one" }], rows: [[{ type: "integer", value: "1" }]] } };
        return answerBatch(await request.json(), sql.result);
      };
      return { state, fetch };
    }
    /** The answer of a libSQL server to each request of a pipeline: every step has one and the same result. */
    function answerBatch(body: unknown, result: object): Response {
      const { requests } = body as { requests: { type: string; batch?: { steps: unknown[] } }[] };
      const one = { ...result, affected_row_count: 0, last_insert_rowid: null };
      const results = requests.map(({ type, batch }) => ({
        type: "ok",
        response: {
          type,
          ...(batch && {
            result: { step_results: batch.steps.map(() => one), step_errors: batch.steps.map(() => null) },
          }),
        },
      }));
      return Response.json({ baton: null, base_url: null, results });
    }
    const select = [{ sql: "SELECT 1 AS one" }];
    const outcome = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

    test("E26 each end of a token costs one question, however long it was good", async () => {
      const { state, fetch } = guarded();
      const clock = startClock();
      let asked = 0;
      const authToken = () => {
        asked++;
        return state.good;
      };
      const engine = createRemoteEngine({ url: "http://127.0.0.1:9", authToken, fetch, clock });
      for (let i = 1; i <= 5; i++) {
        state.good = `token-${i}`;
        expect(await engine.write(select)).toEqual([[{ one: 1 }]]);
        expect(await engine.read(select)).toEqual([[{ one: 1 }]]);
        expect(asked).toBe(i);
        await clock.advance(60_000);
      }
      await engine.close();
    });

    test("E26 while its tokens are refused the function is called later and later, and no message shows one", async () => {
      const { fetch } = guarded();
      const clock = startClock();
      let asked = 0;
      const authToken = () => `canary-${asked++}`;
      const engine = createRemoteEngine({ url: "http://127.0.0.1:9", authToken, fetch, clock });
      const refusals: unknown[] = [];
      for (let i = 0; i < 60; i++) {
        const refused = outcome(engine.read(select));
        await passes(clock, refused, 500);
        refusals.push(await refused);
        await clock.advance(2_000);
      }
      // Over two minutes or more: 1, 2, 4, 8, 16, 30, 30, … seconds, or half of that.
      expect(asked).toBeWithin(5, 20);
      for (const refused of refusals) {
        expect(refused).toMatchObject({ code: "unavailable" });
        expect(String(refused)).not.toContain("canary");
      }
      await engine.close();
    });

    const failing: [string, () => string | Promise<string>][] = [
      ["throws", () => Promise.reject(new Error("the vault is away"))],
      ["answers no text", () => undefined as never],
      ["answers nothing", () => " "],
      ["answers two lines", () => "first\nsecond"],
    ];
    for (const [name, fail] of failing) {
      test(`E26 a function that ${name} is \`unavailable\`, and is asked again`, async () => {
        const { state, fetch } = guarded();
        const clock = startClock();
        let isFailing = true;
        const authToken = () => (isFailing ? fail() : "first");
        const engine = createRemoteEngine({ url: "http://127.0.0.1:9", authToken, fetch, clock });
        expect(await outcome(engine.write(select))).toMatchObject({ code: "unavailable" });
        expect(state.requests).toBe(0);
        isFailing = false;
        const later = engine.write(select);
        await passes(clock, later);
        expect(await later).toEqual([[{ one: 1 }]]);
        await engine.close();
      });
    }

    test("E26 a function that never answers holds no call past its deadline, and is asked again", async () => {
      const { fetch } = guarded();
      const clock = startClock();
      let asked = 0;
      const authToken = () => (asked++ === 0 ? new Promise<string>(() => {}) : "first");
      const engine = createRemoteEngine({ url: "http://127.0.0.1:9", authToken, fetch, clock, deadlineMs: 400 });
      const refused = outcome(engine.write(select));
      expect(await passes(clock, refused)).toBeWithin(400, 500);
      expect(await refused).toMatchObject({ code: "unavailable" });
      await clock.advance(2_000);
      const later = engine.write(select);
      await passes(clock, later);
      expect(await later).toEqual([[{ one: 1 }]]);
      await engine.close();
    });

    test("E26 a closed engine waits for no token", async () => {
      const { fetch } = guarded();
      const authToken = () => new Promise<string>(() => {});
      const engine = createRemoteEngine({ url: "http://127.0.0.1:9", authToken, fetch, clock: startClock() });
      const refused = outcome(engine.write(select));
      await engine.close();
      expect(await refused).toMatchObject({ code: "unavailable" });
    });

    test("E23 a token that no header may contain is refused at once, and not shown", () => {
      for (const authToken of ["can ary", "canary\nx", "kanarié"]) {
        let thrown: unknown;
        try {
          createRemoteEngine({ url: "http://127.0.0.1:9", authToken });
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toMatchObject({ code: "config_invalid" });
        expect(String(thrown)).not.toContain("ary");
      }
    });
  });
});
