import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bun } from "../src/adapter/bun.ts";
import { createChat } from "../src/chat.ts";
import type { ChatOptions } from "../src/chat-options.ts";
import { ChatError } from "../src/error.ts";
import { type Clock, systemClock } from "../src/internal/clock.ts";
import type { Limits } from "../src/protocol/limits.ts";
import type { Engine } from "../src/store/engine/engine.ts";
import { openEngine } from "../src/store/engine/open.ts";
import { fakeClock, passes } from "./support/fake-clock.ts";
import { until } from "./support/fake-socket.ts";
import { newId } from "./support/store.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-chat-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** A chat on a file of its own; `state` plants faults into its database. */
function start(options: Partial<ChatOptions> = {}) {
  const state = { isFailing: false, isHanging: false };
  const open = (database: { url: string }): Engine => {
    const engine = openEngine(database);
    const faulty =
      (call: Engine["write"]): Engine["write"] =>
      (statements) => {
        if (state.isHanging) return new Promise(() => {});
        return state.isFailing ? Promise.reject(new Error("the disk is gone")) : call(statements);
      };
    return { ...engine, read: faulty(engine.read), write: faulty(engine.write) };
  };
  const chat = createChat({
    database: { url: `file:${join(folder, `${files++}.db`)}`, open },
    authenticate: (request) => ({ user: new URL(request.url).searchParams.get("user") ?? "nobody" }),
    ...options,
  });
  return { chat, state };
}

const upgrade = {
  headers: {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
  },
};

describe("chat", () => {
  test("K10 limits that do not fit together are refused at once, those that just fit are taken", async () => {
    const url = `file:${join(folder, "limits.db")}`;
    const make = (limits: Partial<Limits>) => createChat({ database: { url }, authenticate: () => null, limits });
    const room = { changesBytesMax: 65_536, textBytesMax: 10_000 };
    expect(() => make({ ...room, outboxBytesMax: 98_303 })).toThrow("outboxBytesMax is 98303");
    expect(() => make({ textBytesMax: 40_000 })).toThrow("textBytesMax");
    expect(() => make({ heartbeatMs: Number.NaN })).toThrow("heartbeatMs is NaN");
    expect(() => make({ sendWindow: -1 })).toThrow("sendWindow is -1");
    const chat = make({ ...room, outboxBytesMax: 98_304 });
    await chat.ready();
    await chat.close();
  });

  test("K1 without authenticate it refuses to start", () => {
    const options = { database: { url: "file:never.db" } } as unknown as ChatOptions;
    expect(() => createChat(options)).toThrow("createChat needs authenticate");
  });

  test("K2 O1 the server's own sends go the same way: retries, conflicts and bad input by their codes", async () => {
    const { chat } = start();
    const id = newId();
    const first = await chat.send({ from: "shop", to: "alice", text: "Your order shipped", id });
    expect(first).toMatchObject({ id, seq: 1, duplicate: false });
    expect(await chat.send({ from: "shop", to: "alice", text: "Your order shipped", id })).toEqual({
      ...first,
      duplicate: true,
    });
    const codeOf = (send: Parameters<typeof chat.send>[0]) =>
      chat.send(send).then(
        () => "accepted",
        (error: unknown) => (error instanceof ChatError ? error.code : String(error)),
      );
    expect(await codeOf({ from: "shop", to: "alice", text: "other", id })).toBe("conflict");
    expect(await codeOf({ from: "shop", to: "shop", text: "hi" })).toBe("accepted");
    expect(await codeOf({ from: "shop", to: "no body", text: "hi" })).toBe("invalid_recipient");
    expect(await codeOf({ from: "sh op", to: "alice", text: "hi" })).toBe("bad_request");
    expect(await codeOf({ from: "shop", to: "alice", text: "" })).toBe("bad_request");
    expect(await codeOf({ from: "shop", to: "alice", text: "x".repeat(16_385) })).toBe("too_large");
    expect(await codeOf({ from: "shop", to: "alice", text: "hi", id: "1" })).toBe("bad_request");
    await chat.close();
    expect(await codeOf({ from: "shop", to: "alice", text: "hi" })).toBe("unavailable");
  });

  test("P72 the server's own sends take an id in either case, and answer it as it was given", async () => {
    const { chat } = start();
    const id = newId();
    const send = { from: "shop", to: "alice", text: "Your order shipped" };
    expect(await chat.send({ ...send, id: id.toUpperCase() })).toMatchObject({
      id: id.toUpperCase(),
      duplicate: false,
    });
    expect(await chat.send({ ...send, id })).toMatchObject({ id, duplicate: true });
    expect(await chat.explainPush({ message: id.toUpperCase(), user: "alice" })).toMatchObject([{ id }]);
    expect(await chat.explainPush({ message: "1", user: "alice" })).toEqual([]);
    await chat.close();
  });

  test("K32 the calls of the server's own code refuse a field that does not exist, and do nothing", async () => {
    const { chat } = start();
    const send = { from: "shop", to: "alice", text: "hi" };
    const unknown = { code: "bad_request", message: expect.stringContaining("tenannt") as unknown };
    expect(await failureOf(chat.send({ ...send, ...{ tenannt: "acme" } }))).toMatchObject(unknown);
    expect(await failureOf(chat.disconnect({ user: "alice", ...{ tenannt: "acme" } }))).toMatchObject(unknown);
    const asked = { message: newId(), user: "alice", ...{ tenannt: "acme" } };
    expect(await failureOf(chat.explainPush(asked))).toMatchObject(unknown);
    expect(await chat.send(send)).toMatchObject({ seq: 1 });
    await chat.close();
  });

  test("K3 while the store is away it is not ready and upgrades are answered 503; both end with the outage", async () => {
    const { chat, state } = start();
    const server = Bun.serve(bun(chat, { port: 0 }));
    await chat.ready();
    const status = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${server.port}/ws?user=a`, upgrade)).status;
    state.isFailing = true;
    await expect(chat.send({ from: "a", to: "b", text: "x" })).rejects.toMatchObject({ code: "unavailable" });
    expect(chat.isReady()).toBe(false);
    expect(await status()).toBe(503);
    state.isFailing = false;
    await until(() => chat.isReady());
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws?user=a`);
    await until(() => socket.readyState === WebSocket.OPEN);
    await chat.close();
    await server.stop(true);
  });

  test("K4 R5 a shutdown ends in its time, also while the store hangs", async () => {
    const clock = fakeClock();
    const { chat, state } = start({ clock, limits: { shutdownMs: 800 } });
    await chat.ready();
    state.isHanging = true;
    chat.send({ from: "a", to: "b", text: "x" }).catch(() => {});
    await clock.advance(20);
    expect(await passes(clock, chat.close())).toBeLessThan(1_200);
  });

  test("K4 a chat that was closed leaves nothing behind that keeps its host's process", async () => {
    const waiting = new Set<number>();
    let timers = 0;
    const clock: Clock = {
      ...systemClock,
      after(ms, task) {
        const timer = timers++;
        // Work that ends in a moment prevents nothing.
        if (ms >= 1_000) waiting.add(timer);
        const cancel = systemClock.after(ms, () => {
          waiting.delete(timer);
          task();
        });
        return () => {
          waiting.delete(timer);
          cancel();
        };
      },
    };
    const { chat } = start({ clock });
    await chat.send({ from: "a", to: "b", text: "x" });
    expect(waiting.size).toBeGreaterThan(0);
    await chat.close();
    expect(waiting.size).toBe(0);
  });

  test("K5 the limit of connections holds when many upgrade at once", async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { chat } = start({
      limits: { connectionsPerUserMax: 2 },
      authenticate: async () => {
        await gate;
        return { user: "a" };
      },
    });
    const server = Bun.serve(bun(chat, { port: 0 }));
    await chat.ready();
    const codes: number[] = [];
    const sockets = Array.from({ length: 12 }, () => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`);
      socket.addEventListener("close", ({ code }) => codes.push(code));
      return socket;
    });
    await Bun.sleep(100);
    open();
    await until(() => codes.length === 10);
    expect(codes.every((code) => code === 4429)).toBe(true);
    expect(chat.sizes()).toMatchObject({ connections: 2 });
    for (const socket of sockets) socket.close();
    await chat.close();
    await server.stop(true);
  });
});

describe("where a chat is mounted", () => {
  const databaseOf = (): { url: string } => ({ url: `file:${join(folder, `${files++}.db`)}` });
  const authenticate = () => ({ user: "alice" });

  test("K14 a base is taken with any slashes around it, and refused at once where it is no path", async () => {
    for (const [base, known] of [
      ["/chat", "/chat"],
      ["/chat/", "/chat"],
      ["chat", "/chat"],
      ["a/b/", "/a/b"],
      ["/", ""],
      ["", ""],
    ] as const) {
      const chat = createChat({ database: databaseOf(), authenticate, base });
      expect(chat.base).toBe(known);
      const server = Bun.serve(bun(chat, { port: 0 }));
      await chat.ready();
      const at = `127.0.0.1:${server.port}${known}`;
      expect((await fetch(`http://${at}/conversations`)).status).toBe(200);
      const socket = new WebSocket(`ws://${at}/ws`);
      await until(() => socket.readyState === WebSocket.OPEN);
      socket.close();
      await chat.close();
      await server.stop(true);
    }
    for (const base of ["/chat/*", "/:tenant", "https://app.example/chat", "/a//b", "/chat?x", "/chat#x", "/a b"])
      expect(() => createChat({ database: databaseOf(), authenticate, base })).toThrow(
        expect.objectContaining({ code: "config_invalid" }),
      );
    expect(() => bun({ limits: {} } as never, { base: "/chat/*" })).toThrow("base is the path");
  });

  test("K14 without a base a socket opens under any prefix, and a slash at the end of a path changes nothing", async () => {
    const chat = createChat({ database: databaseOf(), authenticate });
    const server = Bun.serve(bun(chat, { port: 0 }));
    await chat.ready();
    for (const path of ["/ws", "/chat/ws", "/a/chat/ws/", "/ws/"]) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
      await until(() => socket.readyState === WebSocket.OPEN);
      socket.close();
    }
    for (const path of ["/conversations/", "/chat/conversations/", "/messages/?with=bob"])
      expect((await fetch(`http://127.0.0.1:${server.port}${path}`)).status).toBe(200);
    for (const path of ["/messages//", "/nothing/"])
      expect((await fetch(`http://127.0.0.1:${server.port}${path}`)).status).toBe(404);
    await chat.close();
    await server.stop(true);
  });

  test("K15 faults of the options are thrown by createChat itself, and no text shows a secret", () => {
    for (const url of ["postgres://u:word@host/x", "chat.db", "file:", "file://word@host/x.db", ""])
      expect(() => createChat({ database: { url }, authenticate })).toThrow(
        expect.objectContaining({ code: "config_invalid", message: expect.not.stringContaining("word") }),
      );
    expect(() => createChat({ authenticate } as never)).toThrow("createChat needs database");
  });
});

describe("a host that does not answer", () => {
  // A query builder, or a promise of another library, is no Promise.
  // oxlint-disable-next-line unicorn/no-thenable -- This is the case under test.
  const thenable = { then() {} } as unknown as Promise<null>;
  for (const [kind, hanging] of [
    ["a promise", new Promise<null>(() => {})],
    ["a thenable", thenable],
  ] as const)
    test(`A70 an authenticate that hangs with ${kind} is answered 503 after hostAnswerMs, and admits no request`, async () => {
      const clock = fakeClock();
      const { chat } = start({ clock, authenticate: () => hanging, limits: { hostAnswerMs: 3_000 } });
      await chat.ready();
      const socket = chat.admit(new Request("http://host/ws", upgrade));
      const asked = chat.fetch(new Request("http://host/messages"));
      expect(await passes(clock, Promise.all([socket, asked]))).toBeLessThan(3_100);
      const [refused, answer] = [await socket, await asked];
      expect(refused instanceof Response && refused.status).toBe(503);
      expect(await answer.json()).toMatchObject({ status: 503, code: "unavailable" });
      await Promise.all([chat.close(), clock.advance(20_000)]);
    });
});

describe("pages of other origins", () => {
  const make = (options: Partial<ChatOptions>) =>
    createChat({
      database: { url: `file:${join(folder, `${files++}.db`)}` },
      authenticate: () => ({ user: "a" }),
      ...options,
    });
  const askedBy = (origin: string, method = "OPTIONS") =>
    new Request("http://host/messages", { method, headers: { origin, "access-control-request-method": "POST" } });

  test("A71 headers of the host's own may be sent, and a malformed name is refused at once", async () => {
    const chat = make({ origins: ["https://app.example"], corsHeaders: ["sentry-trace", "X-Own"] });
    await chat.ready();
    const { headers } = await chat.fetch(askedBy("https://app.example"));
    expect(headers.get("access-control-allow-headers")).toBe(
      "Authorization, Content-Type, Tidings-User, sentry-trace, X-Own",
    );
    await chat.close();
    for (const name of ["*", "a b", "", "x:y", "a\nb"])
      expect(() => make({ corsHeaders: [name] })).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  test("A71 origins of Electron are allowed where they are named alone, and null never with cookies", async () => {
    const named = ["app://.", "file://", "null"];
    const [open, shut] = [make({ origins: named }), make({})];
    await Promise.all([open.ready(), shut.ready()]);
    for (const origin of named) {
      const { headers } = await open.fetch(askedBy(origin, "GET"));
      const credentials = origin === "null" ? null : "true";
      expect([headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")]).toEqual([
        origin,
        credentials,
      ]);
      expect((await shut.fetch(askedBy(origin, "POST"))).status).toBe(403);
      const request = () => new Request("http://host/ws", { headers: { ...upgrade.headers, origin } });
      expect(await open.admit(request())).not.toBeInstanceOf(Response);
      expect(await shut.admit(request())).toMatchObject({ status: 403 });
    }
    await Promise.all([open.close(), shut.close()]);
  });
});
