import { afterAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Chat, createChat } from "../../src/chat.ts";
import type { ChatOptions } from "../../src/chat-options.ts";
import { ChatError } from "../../src/error.ts";
import { openEngine } from "../../src/store/engine/open.ts";
import { costs } from "../../src/protocol/costs.ts";
import { temporaryFolder } from "../support/server.ts";

const folder = temporaryFolder();
const chats: Chat[] = [];
afterAll(async () => {
  for (const chat of chats) await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

type Opened = { readonly chat: Chat; isAway: boolean };

/** The user is the one of the header, of the tenant acme. */
async function open(options: Partial<ChatOptions> = {}): Promise<Opened> {
  const opened = { isAway: false };
  const chat = createChat({
    database: {
      url: `file:${join(folder, `${chats.length}.db`)}`,
      open: (given) => {
        const engine = openEngine(given);
        const faulty =
          (call: typeof engine.read): typeof engine.read =>
          (list) =>
            opened.isAway ? Promise.reject(new ChatError("unavailable", "away")) : call(list);
        return { ...engine, read: faulty(engine.read), write: faulty(engine.write) };
      },
    },
    authenticate: ({ headers }) => {
      const user = headers.get("x-user");
      return user === null ? null : { user, tenant: "acme" };
    },
    ...options,
  });
  chats.push(chat);
  await chat.ready();
  return Object.assign(opened, { chat });
}

type Asking = { readonly user?: string; readonly origin?: string; readonly query?: string };

const requestOf = (path: string, { user = "alice", origin, query = "" }: Asking, upgrade: object = {}): Request =>
  new Request(`http://chat.example${path}${query}`, {
    headers: { ...(user && { "x-user": user }), ...(origin !== undefined && { origin }), ...upgrade },
  });
const me = (chat: Chat, asking: Asking = {}): Promise<Response> => chat.fetch(requestOf("/me", asking));
const upgrade = async (chat: Chat, { query: _, ...asking }: Asking = {}): Promise<Response | null> => {
  const admitted = await chat.admit(requestOf("/ws", asking, { upgrade: "websocket" }));
  return admitted instanceof Response ? admitted : null;
};
const refusalOf = async (response: Response | null): Promise<unknown> =>
  response && [response.status, Reflect.get((await response.json()) as object, "code")];

/** The same refusal from both. */
async function expectRefused(chat: Chat, refusal: readonly [number, string], asking: Asking = {}): Promise<void> {
  expect(await refusalOf(await upgrade(chat, asking))).toEqual(refusal);
  const response = await me(chat, asking);
  expect(response.headers.has("retry-after")).toBe(refusal[0] === 429 || refusal[0] === 503);
  expect(await refusalOf(response)).toEqual(refusal);
}

describe("GET /me", () => {
  test("Q83 P74 answers the user, the tenant, the time, the limits and the unread messages", async () => {
    const { chat } = await open();
    for (const from of ["bob", "bob", "carol"]) await chat.send({ from, to: "alice", tenant: "acme", text: "hi" });
    const before = Date.now();
    const response = await me(chat);
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const { time, ...rest } = (await response.json()) as { time: number };
    expect(rest).toEqual({
      ...{ user: "alice", tenant: "acme", heartbeatMs: 25_000, unread: { messages: 3 } },
      limits: { frameBytes: 65_536, textBytes: 16_384, sendWindow: 64 },
    } as object as typeof rest);
    expect(Math.abs(time - before)).toBeLessThan(60_000);
    expect(await upgrade(chat)).toBeNull();
  });

  test("Q85 an answer names its tenant and user, and pages of allowed origins may read that", async () => {
    const { chat } = await open();
    const { headers } = await me(chat);
    expect(headers.get("tidings-user")).toBe("acme/alice");
    const crossing = await me(chat, { origin: "http://chat.example" });
    expect(crossing.headers.get("tidings-user")).toBe("acme/alice");
    expect(crossing.headers.get("access-control-expose-headers")).toBe("Retry-After, Tidings-User, Tidings-History");
  });

  test("Q86 every answer names the history that it is of, as welcome does", async () => {
    const [{ chat }, other] = [await open(), await open()];
    const changes = await chat.fetch(requestOf("/changes?device=phone&wait=0", {}));
    const { frames } = (await changes.json()) as { frames: { history?: string }[] };
    const name = changes.headers.get("tidings-history");
    expect(frames[0]?.history).toBe(name ?? "none");
    for (const path of ["/me", "/conversations", "/contacts", "/messages?with=bob"])
      expect((await chat.fetch(requestOf(path, {}))).headers.get("tidings-history")).toBe(name);
    expect((await me(other.chat)).headers.get("tidings-history")).not.toBe(name);
  });

  test("Q85 T1 a request that names another user or tenant is refused, and does nothing", async () => {
    const { chat } = await open();
    const block = (named: string): Promise<Response> => {
      const headers = { "x-user": "alice", "tidings-user": named };
      return chat.fetch(new Request("http://chat.example/blocks/bob", { method: "PUT", headers }));
    };
    for (const named of ["acme/carol", "other/alice", "alice", "acme/alice/x", "", "%"]) {
      const refused = await block(named);
      expect(refused.headers.get("tidings-user")).toBe("acme/alice");
      expect(await refusalOf(refused)).toEqual([401, "unauthenticated"]);
    }
    const blocks = async (): Promise<unknown> => (await chat.fetch(requestOf("/blocks", {}))).json();
    expect(await blocks()).toMatchObject({ blocks: [] });
    expect((await block("acme/%61lice")).status).toBe(204);
    expect(await blocks()).toMatchObject({ blocks: [{ user: "bob" }] });
  });

  test("Q85 a refusal names its user too: of a route, of the rate, and while the store is away", async () => {
    const opened = await open({
      rates: { work: { user: { burst: 2 * (costs.request + costs.conversations), perS: 0.01 } } },
    });
    const statusOf = async (path: string): Promise<number> => {
      const refused = await opened.chat.fetch(requestOf(path, {}));
      expect(refused.headers.get("tidings-user")).toBe("acme/alice");
      return refused.status;
    };
    expect(await statusOf("/conversations/cdoesnotexist")).toBe(404);
    opened.isAway = true;
    expect(await statusOf("/conversations")).toBe(503);
    expect(await statusOf("/conversations")).toBe(429);
  });

  test("Q83 refuses whom an upgrade refuses, with the same code", async () => {
    const { chat } = await open({ origins: ["https://app.example"] });
    await expectRefused(chat, [401, "unauthenticated"], { user: "" });
    await expectRefused(chat, [403, "forbidden"], { origin: "https://evil.example" });
    // The origin comes first, as in an upgrade.
    await expectRefused(chat, [403, "forbidden"], { origin: "https://evil.example", user: "" });
    await expectRefused(chat, [500, "internal"], { user: "no body" });
    for (const origin of ["https://app.example", "http://chat.example"]) {
      expect((await me(chat, { origin })).status).toBe(200);
      expect(await upgrade(chat, { origin })).toBeNull();
    }
  });

  test("Q83 a foreign page gets no CORS header with its refusal", async () => {
    const { chat } = await open();
    const { headers } = await me(chat, { origin: "https://evil.example" });
    expect(headers.has("access-control-allow-origin")).toBe(false);
  });

  test("Q83 judges the origin that a page gives, for its browser sends none with a GET to its own site", async () => {
    const { chat } = await open({ origins: ["https://app.example"] });
    const status = async (origin: string) =>
      (await me(chat, { query: `?origin=${encodeURIComponent(origin)}` })).status;
    expect(await status("https://app.example")).toBe(200);
    expect(await status("http://chat.example")).toBe(200);
    // What a proxy that changes the host makes of the page's own site.
    expect(await status("https://outside.example")).toBe(403);
    for (const query of [
      "?device=phone",
      "?origin=",
      "?origin=a%20b",
      "?origin=http://chat.example&origin=http://chat.example",
    ])
      expect((await me(chat, { query })).status).toBe(400);
  });

  test("Q83 says that there is no room, or that its user did too much, as an upgrade does", async () => {
    const full = await open({ limits: { connectionsMax: 0 } });
    await expectRefused(full.chat, [429, "too_many_connections"]);
    const work = { user: { burst: 1.5 * costs.connect, perS: 0.001 }, address: null };
    const eager = await open({ rates: { work } });
    expect(await upgrade(eager.chat)).toBeNull();
    await expectRefused(eager.chat, [429, "rate_limited"]);
  });

  test("Q83 says that the host, the store or the server is not there, as an upgrade does", async () => {
    const failing = await open({
      authenticate: () => {
        throw new Error("the host's database is away");
      },
    });
    await expectRefused(failing.chat, [503, "unavailable"]);
    const away = await open();
    away.isAway = true;
    // The store notices with the first call.
    await expect(away.chat.send({ from: "bob", to: "alice", tenant: "acme", text: "hi" })).rejects.toThrow();
    await expectRefused(away.chat, [503, "unavailable"]);
    away.isAway = false;
    const closed = await open();
    await closed.chat.close();
    await expectRefused(closed.chat, [503, "unavailable"]);
  });

  test("Q83 K14 an app's own path may begin with /me, and a conversation may have that name", async () => {
    const { chat } = await open();
    const status = async (path: string) => (await chat.fetch(requestOf(path, {}))).status;
    for (const path of ["/me", "/me/", "/app/me", "/me/conversations", "/me/chat/me"])
      expect(await status(path)).toBe(200);
    expect(await status("/conversations/me/mute")).toBe(404);
    expect(await status("/contacts/me")).toBe(404);
  });
});
