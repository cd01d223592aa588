import { afterAll, describe, expect, test } from "bun:test";
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Chat } from "../../src/chat-api.ts";
import type { ChatOptions } from "../../src/chat-options.ts";
import { createChat } from "../../src/chat.ts";
import type { AcceptedMessage, MessageHook } from "../../src/hook/message-hook.ts";
import { replyIdOf } from "../../src/hook/reply-id.ts";
import { isMessageId } from "../../src/protocol/identifier.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { openEngine } from "../../src/store/engine/open.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";
import { until } from "../support/fake-socket.ts";
import { temporaryFolder } from "../support/server.ts";
import { startTenants } from "../support/tenants.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = (): string => join(folder, `${files++}.db`);

function open(path: string, onMessage: ChatOptions["onMessage"], options: Partial<ChatOptions> = {}): Chat {
  return createChat({
    database: { url: `file:${path}` },
    authenticate: () => null,
    ...(onMessage && { onMessage }),
    ...options,
  });
}

/** A hook that notes its calls, and does as the test says. */
function noting(act: (message: AcceptedMessage, attempt: number) => void | Promise<void> = () => {}) {
  const texts: string[] = [];
  const signals: AbortSignal[] = [];
  const hook: MessageHook = {
    async handle(message, { attempt, signal }) {
      texts.push(message.text);
      signals.push(signal);
      await act(message, attempt);
    },
  };
  return { texts, signals, hook };
}

const send = (chat: Chat, text: string, tenant = "default") => chat.send({ tenant, from: "alice", to: "bob", text });

/** A database that another process opens. */
function gate() {
  let release = (): void => {};
  const opened = new Promise<void>((resolve) => (release = resolve));
  return { opened, release };
}

describe("onMessage", () => {
  test("K66 is called for each message after the commit, in the order of the log, one call after the other", async () => {
    const found: unknown[] = [];
    const messages: AcceptedMessage[] = [];
    let under = 0;
    let most = 0;
    const path = newPath();
    const chat: Chat = open(path, {
      async handle(message) {
        most = Math.max(most, ++under);
        messages.push(message);
        const { tenant, from, id } = message;
        found.push(...(await chat.messages({ tenant, user: from, ids: [id] })).messages.map((each) => each.id));
        await new Promise((resolve) => void setImmediate(resolve));
        under--;
      },
    });
    await chat.ready();
    // More than one page, several in a commit, of two tenants.
    const sent = await Promise.all(
      Array.from({ length: 150 }, (_, i) =>
        chat.send({ tenant: `t${i % 2}`, from: `user${i % 7}`, to: "bob", text: `${i}` }),
      ),
    );
    await until(() => messages.length === 150);
    expect(most).toBe(1);
    expect(new Set(messages.map(({ id }) => id))).toEqual(new Set(sent.map(({ id }) => id)));
    expect(found).toEqual(messages.map(({ id }) => id));
    const [first] = messages;
    const place = sent.find(({ id }) => id === first?.id);
    expect(first).toEqual({
      ...{ tenant: "t0", from: "user0", to: "bob", text: "0", id: place?.id ?? "" },
      ...{ conversation: place?.conversation ?? "", seq: 1, time: place?.time ?? 0 },
    });
    await chat.close();
    const engine = createEmbeddedEngine({ path });
    const [rows = []] = await engine.read([{ sql: "SELECT id FROM tidings_message ORDER BY n" }]);
    expect(messages.map(({ id }) => id)).toEqual(rows.map(({ id }) => String(id)));
    await engine.close();
  });

  test("K67 its position is durable: after kill -9 during a call nothing is skipped, and an answer with replyId is sent once", async () => {
    const [path, calls] = [newPath(), join(folder, "calls")];
    const command = (hang: string) => [process.execPath, join(import.meta.dir, "bot.ts"), path, calls, hang];
    const bot = Bun.spawn(command("5"), { stdout: "pipe", stderr: "inherit" });
    const said = await bot.stdout.getReader().read();
    expect(new TextDecoder().decode(said.value)).toBe("hangs\n");
    bot.kill("SIGKILL");
    await bot.exited;
    const before = readFileSync(calls, "utf8").trim().split("\n");
    expect(before).toEqual(["0", "1", "2", "3", "4", "5"]);
    const after: string[] = [];
    const chat: Chat = open(path, {
      name: "bot",
      async handle({ from, to, text }, { replyId }) {
        if (to !== "bot") return;
        await chat.send({ from: "bot", to: from, text: `echo ${text}`, id: await replyId() });
        after.push(text);
      },
    });
    await chat.ready();
    const { messages } = await chat.messages({ user: "alice", from: "alice" });
    const last = messages.at(-1)?.text;
    await until(() => after.at(-1) === last);
    // It continues at or before the call that was under way: the end of the first call was on disk before the second began.
    expect(Number(after[0])).toBeGreaterThan(0);
    expect(Number(after[0])).toBeLessThanOrEqual(5);
    expect(after).toEqual(messages.map(({ text }) => text).slice(Number(after[0])));
    const echoes = await chat.messages({ user: "alice", from: "bot" });
    expect(echoes.messages.map(({ text }) => text)).toEqual(messages.map(({ text }) => `echo ${text}`));
    await chat.close();
  });

  test("K67 the end of a call is on disk before the next one begins, if nothing was written just before", async () => {
    const path = newPath();
    let engine: Engine | undefined;
    const places: unknown[] = [];
    const { hook } = noting(async () => {
      const sql = "SELECT (SELECT n FROM tidings_log_place) AS kept, (SELECT min(n) FROM tidings_message) AS first";
      const [[row] = []] = (await engine?.read([{ sql }])) ?? [];
      places.push(Number(row?.["kept"]) - Number(row?.["first"]));
    });
    const open = (database: { readonly url: string }): Engine => (engine = openEngine(database));
    const chat = createChat({ database: { url: `file:${path}`, open }, authenticate: () => null, onMessage: hook });
    await chat.ready();
    await Promise.all([send(chat, "a"), send(chat, "b")]);
    await until(() => places.length === 2);
    expect(places).toEqual([-1, 0]);
    await chat.close();
  });

  test("K67 messages that were handled before an orderly end are not handled again", async () => {
    const path = newPath();
    const [one, other] = [noting(), noting()];
    const first = open(path, one.hook);
    for (const text of ["a", "b", "c"]) await send(first, text);
    await until(() => one.texts.length === 3);
    await first.close();
    const second = open(path, other.hook);
    await send(second, "d");
    await until(() => other.texts.length > 0);
    expect(other.texts).toEqual(["d"]);
    await second.close();
  });

  test("K68 begins with the next accepted message, or with the first of the log, and again under another name", async () => {
    const path = newPath();
    const plain = open(path, undefined);
    await send(plain, "before");
    await plain.close();
    const [now, start] = [noting(), noting()];
    const both = open(path, [
      { ...now.hook, name: "now" },
      { ...start.hook, name: "start", begin: "start" },
    ]);
    await both.ready();
    await send(both, "after");
    await until(() => now.texts.length > 0 && start.texts.length > 1);
    expect([now.texts, start.texts]).toEqual([["after"], ["before", "after"]]);
    await both.close();
    const renamed = noting();
    const third = open(path, [
      { ...now.hook, name: "now", begin: "start" },
      { ...renamed.hook, name: "new", begin: "start" },
    ]);
    await until(() => renamed.texts.length === 2);
    await send(third, "last");
    await until(() => now.texts.length === 2 && renamed.texts.length === 3);
    expect([now.texts, renamed.texts]).toEqual([
      ["after", "last"],
      ["before", "after", "last"],
    ]);
    await third.close();
  });

  test("K69 is called again after a throw with the same message, after growing delays; later messages wait, and the chat does not", async () => {
    const clock = fakeClock();
    let isBroken = true;
    const attempts: number[] = [];
    const { texts, hook } = noting((_, attempt) => {
      attempts.push(attempt);
      if (isBroken) throw new Error("the mail server is away");
    });
    const healthy = noting();
    const chat = open(newPath(), [hook, { ...healthy.hook, name: "healthy" }], {
      clock,
      limits: { hookRetryMs: 1_000 },
    });
    await chat.ready();
    for (const text of ["a", "b"]) await passes(clock, send(chat, text));
    for (let i = 0; i < 100 && healthy.texts.length < 2; i++) await clock.advance(20);
    expect([texts, healthy.texts]).toEqual([["a"], ["a", "b"]]);
    await clock.advance(1_000);
    expect(texts).toEqual(["a", "a"]);
    for (let i = 0; i < 90; i++) await clock.advance(1_000);
    // 1, 2, 4 … 32 s, each with jitter, and at most hookRetryMsMax.
    expect(texts.length).toBeGreaterThan(6);
    expect(texts.length).toBeLessThan(12);
    expect(attempts).toEqual(attempts.map((_, i) => i));
    isBroken = false;
    for (let i = 0; i < 61 && !texts.includes("b"); i++) await clock.advance(1_000);
    expect(texts.slice(-2)).toEqual(["a", "b"]);
    expect(attempts.at(-1)).toBe(0);
    await passes(clock, chat.close());
  });

  test("K69 a call that does not end within hookAnswerMs is aborted and repeated", async () => {
    const clock = fakeClock();
    let hangs = true;
    const { texts, signals, hook } = noting(() => (hangs ? new Promise<void>(() => {}) : undefined));
    const chat = open(newPath(), hook, { clock, limits: { hookAnswerMs: 30_000, hookRetryMs: 1_000 } });
    await chat.ready();
    await passes(clock, send(chat, "a"));
    for (let i = 0; i < 100 && texts.length === 0; i++) await clock.advance(20);
    await clock.advance(29_000);
    expect([texts.length, signals[0]?.aborted]).toEqual([1, false]);
    hangs = false;
    for (let i = 0; i < 5; i++) await clock.advance(1_000);
    expect([texts, signals.map(({ aborted }) => aborted)]).toEqual([
      ["a", "a"],
      [true, false],
    ]);
    await passes(clock, chat.close());
  });

  test("K71 close waits for the call under way, up to the deadline", async () => {
    const path = newPath();
    const { opened, release } = gate();
    const first = noting(() => opened);
    const chat = open(path, first.hook);
    await send(chat, "a");
    await send(chat, "b");
    await until(() => first.texts.length === 1);
    let isClosed = false;
    const closing = chat.close().then(() => (isClosed = true));
    for (let i = 0; i < 20; i++) await new Promise((resolve) => void setImmediate(resolve));
    expect([isClosed, first.signals[0]?.aborted]).toEqual([false, false]);
    release();
    await closing;
    // No further call began.
    expect(first.texts).toEqual(["a"]);

    const clock = fakeClock();
    const hanging = noting(() => new Promise<void>(() => {}));
    const second = open(path, hanging.hook, { clock });
    await second.ready();
    for (let i = 0; i < 100 && hanging.texts.length === 0; i++) await clock.advance(20);
    expect(hanging.texts).toEqual(["b"]);
    expect(await passes(clock, second.close())).toBeLessThanOrEqual(second.limits.shutdownMs);
    expect(hanging.signals[0]?.aborted).toBe(true);

    const third = noting();
    const last = open(path, third.hook);
    await until(() => third.texts.length > 0);
    expect(third.texts).toEqual(["b"]);
    await last.close();
  });

  test("K77 a node that cannot renew its lease begins no call, not even for messages it has read", async () => {
    const clock = fakeClock();
    let isBroken = true;
    const { texts, hook } = noting(() => {
      if (isBroken) throw new Error("the mail server is away");
    });
    let isAway = false;
    const failing =
      (call: Engine["write"]): Engine["write"] =>
      (statements) =>
        isAway ? Promise.reject(new Error("the disk is gone")) : call(statements);
    const path = newPath();
    const chat = open(path, hook, {
      clock,
      limits: { hookLeaseMs: 20_000, hookRetryMs: 500, hookRetryMsMax: 500 },
      database: {
        url: `file:${path}`,
        open(database) {
          const engine = openEngine(database);
          // Like a database that other nodes may have open.
          return { ...engine, isExclusive: false, read: failing(engine.read), write: failing(engine.write) };
        },
      },
    });
    await chat.ready();
    await passes(clock, Promise.all([send(chat, "a"), send(chat, "b")]));
    for (let i = 0; i < 100 && texts.length === 0; i++) await clock.advance(20);
    isAway = true;
    const count = texts.length;
    for (let i = 0; i < 16; i++) await clock.advance(1_000);
    const before = texts.length;
    for (let i = 0; i < 60; i++) await clock.advance(1_000);
    expect([before > count, texts.length]).toEqual([true, before]);
    isAway = false;
    isBroken = false;
    for (let i = 0; i < 60 && !texts.includes("b"); i++) await clock.advance(1_000);
    expect(texts.slice(before)).toEqual(["a", "b"]);
    await passes(clock, chat.close());
  });

  test("K72 with a database for each tenant it follows the open ones, keeps one with work open, and continues when it is opened again", async () => {
    const clock = fakeClock();
    let isBroken = true;
    const { texts, hook } = noting(({ tenant }) => {
      if (isBroken && tenant === "busy") throw new Error("away");
    });
    const limits = { databaseIdleMs: 10_000, hookRetryMs: 1_000, hookRetryMsMax: 2_000, pushLeaseMs: 1_000_000 };
    const place = startTenants({ onMessage: { ...hook, begin: "start" }, clock, limits });
    for (const tenant of ["busy", "calm"]) await passes(clock, send(place.chat, `for ${tenant}`, tenant));
    for (let i = 0; i < 60; i++) await clock.advance(1_000);
    await until(() => place.open().length === 1);
    expect(place.open()).toEqual(["busy"]);
    expect(place.log.opened).toEqual(["busy", "calm"]);
    isBroken = false;
    for (let i = 0; i < 30 && place.open().length > 0; i++) await clock.advance(1_000);
    await until(() => place.open().length === 0);
    const count = texts.length;
    for (let i = 0; i < 10; i++) await clock.advance(1_000);
    expect([place.open(), texts.length]).toEqual([[], count]);
    await passes(clock, send(place.chat, "next", "calm"));
    for (let i = 0; i < 100 && texts.at(-1) !== "next"; i++) await clock.advance(20);
    expect(texts.slice(count)).toEqual(["next"]);
    await passes(clock, place.stop());
  });

  test("K73 createChat refuses invalid hooks at once", () => {
    const handle = (): void => {};
    for (const [given, text] of [
      [{}, "needs a function handle"],
      [[{ handle }, { handle }], "the name default"],
      [[{ handle, name: "a b" }], "a name of 1 to 128"],
      [{ handle, begin: "yesterday" }, `begins with "now" or "start"`],
      [Array.from({ length: 17 }, (_, i) => ({ handle, name: `${i}` })), "may have 16"],
    ] as const)
      expect(() => open(newPath(), given as never)).toThrow(
        expect.objectContaining({ code: "config_invalid", message: expect.stringContaining(text) }),
      );
  });

  test("K74 replyId is a UUID that is the same in each call, and differs for another message, sender, tenant, hook or purpose", async () => {
    const message = {
      tenant: "default",
      from: "alice",
      id: "01980000-0000-7000-8000-000000000001",
      time: 1_780_000_000_001,
    };
    const id = await replyIdOf(message, { hook: "bot", purpose: "" });
    expect(id).toMatch(/^019e7044-8801-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isMessageId(id)).toBe(true);
    expect(await replyIdOf({ ...message }, { hook: "bot", purpose: "" })).toBe(id);
    const others = await Promise.all([
      replyIdOf(message, { hook: "other", purpose: "" }),
      replyIdOf(message, { hook: "bot", purpose: "second" }),
      replyIdOf({ ...message, tenant: "acme" }, { hook: "bot", purpose: "" }),
      replyIdOf({ ...message, from: "bob" }, { hook: "bot", purpose: "" }),
      replyIdOf({ ...message, id: "01980000-0000-7000-8000-000000000002" }, { hook: "bot", purpose: "" }),
      replyIdOf({ ...message, time: message.time + 1 }, { hook: "bot", purpose: "" }),
    ]);
    expect(new Set([id, ...others]).size).toBe(7);
  });

  test("K70 a hook that fails is one warning, and one line when it works again, over all databases", async () => {
    const records: LogRecord[] = [];
    configureSync({
      reset: true,
      sinks: { list: (record: LogRecord) => void records.push(record) },
      loggers: [
        { category: ["tidings"], sinks: ["list"], lowestLevel: "info" },
        { category: ["logtape", "meta"], sinks: ["list"], lowestLevel: "warning" },
      ],
    });
    let isBroken = true;
    const { texts, hook } = noting(() => {
      if (isBroken) throw new Error("the mail server is away");
    });
    // The last test: afterwards warnings are printed to the console.
    const place = startTenants({ onMessage: { ...hook, name: "mail" }, limits: { hookRetryMs: 1, hookRetryMsMax: 2 } });
    try {
      for (const tenant of ["one", "two"]) await send(place.chat, `to ${tenant}`, tenant);
      await until(() => texts.length > 20);
      isBroken = false;
      const told = (): readonly LogRecord[] => records.filter(({ properties }) => properties["hook"] === "mail");
      await until(() => told().length === 2);
      await send(place.chat, "after", "one");
      await until(() => texts.at(-1) === "after");
      expect(told().map(({ level }) => level)).toEqual(["warning", "info"]);
      const { error, messageId } = told()[0]?.properties ?? {};
      expect(String(error)).toContain("the mail server is away");
      expect(isMessageId(messageId)).toBe(true);
      expect(JSON.stringify(records)).not.toContain("to one");
    } finally {
      await place.stop();
      resetSync();
    }
  });
});
