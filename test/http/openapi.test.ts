import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { bun } from "../../src/adapter/bun.ts";
import { type Chat, createChat } from "../../src/chat.ts";
import { readConfig } from "../../src/standalone/config.ts";
import { errorCodes } from "../../src/error.ts";
import { routes } from "../../src/http/api.ts";
import { siteOf } from "../../src/standalone/site.ts";
import { openEngine } from "../../src/store/engine/open.ts";
import { type RunningServer, startServer, temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";
import { createAsker, document, faultsOf, operations, readJson } from "./described.ts";

let server: RunningServer;
let ask: ReturnType<typeof createAsker>;
const seen = new Set<string>();
beforeAll(async () => {
  server = await startServer();
  ask = createAsker(server.port, seen);
});
afterAll(() => server.dispose());

/** What some operations need to be understood. */
const queries: Readonly<Record<string, string>> = {
  "/push/explain": `?message=${newId()}`,
  "/changes": "?device=phone&wait=0",
  "/groups/{id}/readers": "?seq=1",
};
const upgradeHeaders = { upgrade: "websocket", connection: "Upgrade" };
/** A well-formed request for each operation. */
const calls = operations.map(({ method, path, operation }) => ({
  method,
  path,
  operation,
  address: path.replaceAll(/\{\w+\}/g, "bob"),
  options: {
    as: path,
    ...(operation.requestBody && method !== "GET" && { body: "{}" }),
    ...(path === "/ws" && { headers: upgradeHeaders }),
  },
}));
const ofChat = calls.filter(({ path }) => !/^\/(healthz|readyz)$/.test(path));

/** Each route of groups, with each of its answers. */
async function askGroups(status: (...call: Parameters<typeof ask>) => Promise<number>): Promise<void> {
  const [alice, bob] = ["alice", "bob"];
  const made = { id: newId(), name: "Lunch", members: [bob] };
  const make = async (body: object, as = alice): Promise<number> => await status(as, "POST", "/groups", { body });
  const { body } = await ask(alice, "POST", "/groups", { body: made });
  const { id } = body as { id: string };
  expect(await make(made)).toBe(200);
  expect(await make({ ...made, name: "" })).toBe(400);
  expect(await make({ ...made, id: newId(), name: "x".repeat(300) })).toBe(413);
  const at = (path: string) => ({ path: path.replace("{id}", id), as: path });
  const call = async (user: string, method: string, path: string, more: object = {}): Promise<number> => {
    const { path: place, as } = at(path);
    return await status(user, method, place.replace("{user}", "carol"), { as, ...more });
  };
  const [group, members, member] = ["/groups/{id}", "/groups/{id}/members", "/groups/{id}/members/{user}"] as const;
  expect(await call(alice, "GET", group)).toBe(200);
  expect(await call("eve", "GET", group)).toBe(404);
  const changes: readonly (readonly [string, object, number])[] = [
    [alice, { name: "Dinner" }, 200],
    [alice, { name: "Tea", version: 1 }, 409],
    [alice, { name: "" }, 400],
    [alice, { name: "x".repeat(300) }, 413],
    [bob, { name: "Tea" }, 403],
    ["eve", { name: "Tea" }, 404],
  ];
  for (const [user, change, found] of changes)
    expect([change, await call(user, "PATCH", group, { body: change })]).toEqual([change, found]);
  const many = Array.from({ length: 101 }, (_, i) => `u${i}`);
  const added: readonly (readonly [string, readonly string[], number])[] = [
    [alice, ["carol", "dan"], 200],
    [alice, many, 413],
    [alice, ["no body"], 400],
    [bob, ["dee"], 403],
    ["eve", ["dee"], 404],
  ];
  for (const [user, users, found] of added)
    expect([user, await call(user, "POST", members, { body: { users } })]).toEqual([user, found]);
  expect(await call(alice, "GET", members)).toBe(200);
  expect(await status(alice, "GET", `/groups/${id}/members?limit=0`, { as: members })).toBe(400);
  expect(await call("eve", "GET", members)).toBe(404);
  const readers = "/groups/{id}/readers";
  const read = (user: string, of: string, query: string) =>
    status(user, "GET", `/groups/${of}/readers${query}`, { as: readers });
  const large = { id: newId(), name: "Party", members: [bob, ...many.slice(0, 70)] };
  const { body: party } = await ask(alice, "POST", "/groups", { body: large });
  expect(await read(alice, id, "?seq=1")).toBe(200);
  expect(await read(alice, id, "")).toBe(400);
  expect(await read(bob, String((party as { id?: string }).id), "?seq=1")).toBe(403);
  expect(await read("eve", id, "?seq=1")).toBe(404);
  const role = { role: "admin" };
  expect(await call(alice, "PUT", member, { body: role })).toBe(200);
  expect(await call(alice, "PUT", member, { body: { role: "king" } })).toBe(400);
  expect(await call(bob, "PUT", member, { body: role })).toBe(403);
  expect(await call("eve", "PUT", member, { body: role })).toBe(404);
  expect(await call(bob, "DELETE", member)).toBe(403);
  expect(await call("eve", "DELETE", member)).toBe(404);
  expect(await status(alice, "DELETE", `/groups/${id}/members/no%20body`, { as: member })).toBe(400);
  expect(await call("eve", "POST", "/groups/{id}/join")).toBe(404);
  expect(await call(alice, "PATCH", group, { body: { visibility: "open" } })).toBe(200);
  expect(await call("eve", "POST", "/groups/{id}/join")).toBe(200);
  expect(await call(alice, "POST", "/groups/{id}/leave")).toBe(403);
  expect(await call("nobody", "POST", "/groups/{id}/leave")).toBe(404);
  expect(await call(bob, "POST", "/groups/{id}/leave")).toBe(204);
  expect(await call(alice, "DELETE", member)).toBe(200);
  expect(await call("carol", "POST", "/groups/{id}/join")).toBe(403);
  await askInvites(status, id);
}

/** Each route of invitations, with each of its answers. Alice owns the group, eve is a member, and carol was removed. */
async function askInvites(status: (...call: Parameters<typeof ask>) => Promise<number>, id: string): Promise<void> {
  const [invites, one, entry] = ["/groups/{id}/invites", "/groups/{id}/invites/{invite}", "/invites/{token}/join"];
  const path = `/groups/${id}/invites`;
  const { body } = await ask("alice", "POST", path, { as: invites, body: { uses: 2 } });
  const { token, id: invite } = body as { token: string; id: string };
  const invited: readonly (readonly [string, object, number])[] = [
    ["alice", { uses: 2 }, 201],
    ["alice", { uses: 0 }, 400],
    ["alice", { more: "x".repeat(70_000) }, 413],
    ["eve", {}, 403],
    ["nobody", {}, 404],
  ];
  for (const [user, asked, found] of invited)
    expect([user, await status(user, "POST", path, { as: invites, body: asked })]).toEqual([user, found]);
  const who: readonly (readonly [string, number])[] = [
    ["alice", 200],
    ["eve", 403],
    ["nobody", 404],
  ];
  for (const [user, found] of who)
    expect([user, await status(user, "GET", path, { as: invites })]).toEqual([user, found]);
  expect(await status("alice", "GET", `${path}?limit=0`, { as: invites })).toBe(400);
  const join = (user: string, secret: string) => status(user, "POST", `/invites/${secret}/join`, { as: entry });
  expect(await join("dora", token)).toBe(200);
  expect(await join("carol", token)).toBe(403);
  expect(await join("dora", "x".repeat(43))).toBe(404);
  for (const [user, found] of who)
    expect([user, await status(user, "DELETE", `${path}/${invite}`, { as: one })]).toEqual([
      user,
      found === 200 ? 204 : found,
    ]);
  expect(await status("alice", "DELETE", `${path}/x`, { as: one })).toBe(400);
}

describe("openapi.json", () => {
  test("Q16 is OpenAPI 3.1, and is what the standalone server serves, for caches to keep", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const url = `http://127.0.0.1:${server.port}/openapi.json`;
    const served = await fetch(url);
    expect([served.status, served.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await served.json()).toEqual(document);
    expect(served.headers.get("cache-control")).toBe("no-cache");
    const again = await fetch(url, { headers: { "if-none-match": served.headers.get("etag") ?? "" } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const changed = await fetch(url, { headers: { "if-none-match": '"of-another-release"' } });
    expect(changed.status).toBe(200);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
  });

  test("control: Q16 a document that is none of OpenAPI 3.1 is refused", async () => {
    for (const wrong of [{ openapi: "3.9.0" }, { info: {} }, { paths: { messages: {} } }, { security: {} }])
      expect((await new Validator().validate(structuredClone({ ...document, ...wrong }))).valid).toBe(false);
  });

  test("Q16 has every route and method that there is, and no other", () => {
    const inCode = Object.entries(routes).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`),
    );
    const told = operations.map(({ method, path }) => `${method} ${path}`);
    expect(told.toSorted()).toEqual([...inCode, "GET /ws", "GET /healthz", "GET /readyz"].toSorted());
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(told.length);
  });

  test("Q16 the problem's codes are those of the table", () => {
    const { components } = readJson<{
      components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } };
    }>("docs/openapi.json");
    expect(components.schemas.Problem.properties.code.enum).toEqual(Object.keys(errorCodes));
  });
});

describe("the answers of a real server", () => {
  test("Q16 are as described for good requests, and for wrong ones", async () => {
    const [alice, bob] = ["alice", "bob"];
    const status = async (...call: Parameters<typeof ask>): Promise<number> => (await ask(...call)).status;
    const id = newId();
    const message = { id, to: bob, text: "hi" };
    const send = (body: object) => status(alice, "POST", "/messages", { body });
    expect(await send(message)).toBe(201);
    expect(await send(message)).toBe(200);
    expect(await send({ ...message, text: "other" })).toBe(409);
    expect(await send({ id: newId(), to: "no body", text: "hi" })).toBe(400);
    expect(await send({ id: newId(), conversation: "c99", text: "hi" })).toBe(404);
    expect(await send({ id: newId(), to: bob, text: "x".repeat(20_000) })).toBe(413);
    const { body } = await ask(bob, "GET", "/messages?device=phone");
    const { messages, cursor } = body as { messages: { conversation: string }[]; cursor: string };
    const conversation = messages[0]?.conversation ?? "";
    for (const query of ["with=alice", `conversation=${conversation}&before=9`, `ids=${id}`, "from=alice&limit=1"])
      expect(await status(bob, "GET", `/messages?${query}`)).toBe(200);
    expect(await status(bob, "GET", "/messages?limit=0")).toBe(400);
    expect(await status(bob, "GET", "/messages?conversation=c99")).toBe(404);
    expect(await status(bob, "POST", "/ack", { body: { device: "phone", cursor } })).toBe(204);
    expect(await status(bob, "POST", "/ack", { body: { cursor: "x" } })).toBe(400);
    expect((await ask(bob, "GET", "/conversations?limit=1")).body).toMatchObject({ conversations: [{ unread: 1 }] });
    expect(await status(bob, "GET", "/conversations?after=%00")).toBe(400);
    for (const [place, found] of [
      [conversation, 200],
      ["c99", 404],
    ] as const)
      expect(await status(bob, "GET", `/conversations/${place}`, { as: "/conversations/{id}" })).toBe(found);
    await askGroups(status);
    expect((await ask(bob, "GET", "/changes?device=laptop&wait=0&watch=alice")).body).toMatchObject({
      frames: [{ type: "welcome" }, { type: "changes" }, { type: "presence" }],
    });
    expect(await status(bob, "GET", "/changes")).toBe(400);
    const read = (place: string, seq: number) =>
      status(bob, "POST", `/conversations/${place}/read`, { as: "/conversations/{id}/read", body: { seq } });
    expect([await read(conversation, 1), await read("c99", 1), await read(conversation, -1)]).toEqual([204, 404, 400]);
    const contact = (method: string, user: string) =>
      status(alice, method, `/contacts/${user}`, { as: "/contacts/{user}" });
    expect([await contact("PUT", bob), await contact("GET", bob), await contact("GET", "dan")]).toEqual([
      204, 200, 404,
    ]);
    for (const method of ["GET", "PUT", "DELETE"]) expect(await contact(method, alice)).toBe(400);
    expect(await status(alice, "POST", "/contacts", { body: { users: ["carol", "dan"] } })).toBe(204);
    expect(await status(alice, "POST", "/contacts", { body: { users: [] } })).toBe(400);
    expect((await ask(alice, "GET", "/contacts?limit=1")).body).toEqual({ contacts: [{ user: "bob" }], next: "bob" });
    expect(await status(alice, "GET", "/contacts?limit=0")).toBe(400);
    expect(await contact("DELETE", bob)).toBe(204);
    const block = (method: string, user: string) => status(bob, method, `/blocks/${user}`, { as: "/blocks/{user}" });
    expect(await block("PUT", alice)).toBe(204);
    expect((await ask(bob, "GET", "/blocks")).body).toEqual({ blocks: [{ user: "alice" }] });
    expect(await status(bob, "GET", "/blocks?limit=0")).toBe(400);
    expect(await send({ ...message, id: newId() })).toBe(403);
    // Without the other's marks.
    expect(await status(bob, "GET", "/conversations")).toBe(200);
    expect(await block("DELETE", alice)).toBe(204);
    for (const method of ["PUT", "DELETE"]) expect(await block(method, "b%20b")).toBe(400);
    const mute = (method: string, place: string, body?: object) =>
      status(bob, method, `/conversations/${place}/mute`, { as: "/conversations/{id}/mute", ...(body && { body }) });
    expect([await mute("PUT", conversation, {}), await mute("GET", conversation)]).toEqual([204, 200]);
    expect(await mute("PUT", conversation, { until: Date.now() + 60_000 })).toBe(204);
    expect([await mute("GET", conversation), await mute("DELETE", conversation)]).toEqual([200, 204]);
    expect(await mute("PUT", conversation, { until: "noon" })).toBe(400);
    for (const method of ["GET", "PUT", "DELETE"])
      expect(await mute(method, "c99", method === "PUT" ? {} : undefined)).toBe(404);
    const device = (method: string, name: string, body?: object) =>
      status(bob, method, `/devices/${name}`, { as: "/devices/{device}", ...(body && { body }) });
    expect([await device("PUT", "phone", { notify: true }), await device("DELETE", "phone")]).toEqual([204, 204]);
    expect(await device("PUT", "phone", { push: { provider: "fcm", token: "t" } })).toBe(400);
    expect(await device("DELETE", "b%20b")).toBe(400);
    expect(await device("DELETE", "phone?forget=true")).toBe(204);
    expect(await device("DELETE", "phone?forget=1")).toBe(400);
    const hours = { from: "22:00", to: "07:00", timeZone: "Africa/Khartoum" };
    expect(await status(bob, "PUT", "/quiet-hours", { body: hours })).toBe(204);
    expect((await ask(bob, "GET", "/quiet-hours")).body).toEqual({ quietHours: hours });
    expect(await status(bob, "PUT", "/quiet-hours", { body: { ...hours, to: "25:00" } })).toBe(400);
    expect(await status(bob, "DELETE", "/quiet-hours")).toBe(204);
    expect((await ask(bob, "GET", "/quiet-hours")).body).toEqual({ quietHours: null });
    expect((await ask(bob, "GET", "/push")).body).toEqual({ providers: [] });
    const explain = (who: string, query: string) => ask(who, "GET", `/push/explain?${query}`);
    expect((await explain(bob, `message=${id}`)).body).toMatchObject({ messages: [{ id, from: alice, seq: 1 }] });
    expect((await explain(alice, `message=${id}&for=bob`)).status).toBe(404);
    expect((await explain(bob, "message=1")).status).toBe(400);
    expect(await status(alice, "POST", "/tickets")).toBe(201);
    expect(await status(alice, "POST", "/tickets", { body: { x: 1 } })).toBe(400);
    expect((await ask(bob, "GET", "/me?origin=http://127.0.0.1")).status).toBe(403);
    expect((await ask(bob, "GET", "/me")).body).toMatchObject({
      user: bob,
      tenant: "default",
      unread: { messages: 0 },
    });
    expect(await status(bob, "GET", "/me?x=1")).toBe(400);
    for (const path of ["/healthz", "/readyz"]) expect(await status(alice, "GET", path)).toBe(200);
    expect(await status(alice, "GET", "/ws")).toBe(426);
    expect(await status(alice, "GET", "/ws?cursor=x", { headers: upgradeHeaders })).toBe(400);
  });

  test("Q16 are as described without proof, to foreign hosts, and to bodies that are too large", async () => {
    for (const { method, path, address, options, operation } of ofChat) {
      expect((await ask("no%20body", method, address, options)).status).toBe(401);
      // The demo answers to loopback names alone, and nothing is changed from a foreign origin.
      const foreign = { host: "evil.example", origin: "https://evil.example" };
      const headers = "headers" in options ? { ...options.headers, ...foreign } : foreign;
      expect((await ask("alice", method, address, { ...options, headers })).status).toBe(403);
      if (operation.requestBody)
        expect((await ask("alice", method, address, { as: path, body: "x".repeat(65_537) })).status).toBe(413);
    }
  });

  test("Q16 are problems of the closed list for another method, with the allowed ones, and another path", async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      if (path === "/ws") continue;
      const told = Object.keys(methods).map((method) => method.toUpperCase());
      const place = path.replaceAll(/\{\w+\}/g, "bob");
      const response = await fetch(`http://127.0.0.1:${server.port}${place}?user=alice`, {
        method: told.includes("PATCH") ? "DELETE" : "PATCH",
      });
      const allowed = (response.headers.get("allow") ?? "").split(", ");
      expect([path, response.status]).toEqual([path, 405]);
      expect(await response.json()).toMatchObject({ code: "method_not_allowed", status: 405 });
      expect(allowed.filter((method) => !["HEAD", "OPTIONS"].includes(method)).toSorted()).toEqual(told.toSorted());
    }
    const response = await fetch(`http://127.0.0.1:${server.port}/nowhere?user=alice`);
    expect([response.status, await response.json()]).toMatchObject([404, { code: "not_found", status: 404 }]);
  });
});

describe("the answers in trouble", () => {
  const folder = temporaryFolder();
  let isAway = false;
  let user = "alice";
  const scarce = { burst: 1, perS: 0.001 };
  const open = (name: string, options: object = {}): Chat =>
    createChat({
      database: {
        url: `file:${join(folder, name)}`,
        open: (options) => {
          const engine = openEngine(options);
          const faulty =
            (call: typeof engine.read): typeof engine.read =>
            (list) =>
              isAway ? Promise.reject(new Error("away")) : call(list);
          return { ...engine, read: faulty(engine.read), write: faulty(engine.write) };
        },
      },
      authenticate: () => ({ user }),
      ...options,
    });
  async function serving(chat: Chat, act: (ask: ReturnType<typeof createAsker>) => Promise<void>): Promise<void> {
    const fetch = await siteOf(chat, readConfig({ AUTH_DEMO_ANYWHERE: "1" }));
    const listener = Bun.serve(bun(chat, { port: 0, hostname: "127.0.0.1", fetch }));
    try {
      await chat.ready();
      await act(createAsker(listener.port ?? 0, seen));
    } finally {
      [user, isAway] = ["alice", false];
      await chat.close();
      await listener.stop(true);
    }
  }
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  /** What each route takes: refusals of the store come after those of the form. */
  const bodies: Readonly<Record<string, object>> = {
    "/messages": { id: newId(), to: "bob", text: "hi" },
    "/ack": { cursor: "abcdefgh.1" },
    "/conversations/{id}/read": { seq: 1 },
    "/contacts": { users: ["bob"] },
    "/groups": { id: newId(), name: "Lunch" },
    "/groups/{id}": { name: "Dinner" },
    "/groups/{id}/members": { users: ["bob"] },
    "/groups/{id}/members/{user}": { role: "admin" },
    "/groups/{id}/invites": {},
    "/tickets": {},
    "/quiet-hours": { from: "22:00", to: "07:00", timeZone: "UTC" },
    "/devices/{device}": { notify: true },
    "/conversations/{id}/mute": {},
  };
  const wellFormed = (conversation: string) =>
    ofChat.map((call) => {
      const body = call.operation.requestBody ? bodies[call.path] : undefined;
      const place = call.path
        .replace("{id}", conversation)
        .replace(/\{(user|device)\}/, "bob")
        .replace("{invite}", newId())
        .replace("{token}", "x".repeat(43));
      const address = `${place}${queries[call.path] ?? ""}`;
      return { ...call, address, options: { ...call.options, ...(body && { body }) } };
    });

  test("Q16 are as it says when the host answers nonsense, the store is away, and the server stops", async () => {
    const chat = open("trouble.db");
    await serving(chat, async (ask) => {
      const { conversation } = await chat.send({ from: "alice", to: "bob", text: "hi" });
      const all = wellFormed(conversation);
      user = "not a name";
      for (const { method, address, options } of all)
        expect((await ask("alice", method, address, options)).status).toBe(500);
      user = "alice";
      isAway = true;
      for (const { method, path, address, options } of all)
        // The store does not hold the list of providers.
        if (!["/ws", "/push"].includes(path))
          expect([path, (await ask("alice", method, address, options)).status]).toEqual([path, 503]);
      isAway = false;
      await chat.close();
      for (const { method, path, address, options } of all)
        expect([path, (await ask("alice", method, address, options)).status]).toEqual([path, 503]);
      expect((await ask("alice", "GET", "/readyz")).status).toBe(503);
    });
  });

  test("Q16 are as described for too many requests, too much data, and no room", async () => {
    const rate = { user: scarce, address: null };
    await serving(open("rates.db", { rates: { work: rate, sends: rate } }), async (ask) => {
      await ask("alice", "POST", "/messages", { body: bodies["/messages"] });
      await ask("alice", "GET", "/blocks");
      await ask("alice", "GET", "/ws", { headers: upgradeHeaders }).catch(() => {});
      // Together: each of these answers is held back for a while.
      const refused = wellFormed("c1").map(async ({ method, path, address, options }) => {
        const body = path === "/messages" && method === "POST" ? { ...bodies[path], id: newId() } : undefined;
        const answer = await ask("alice", method, address, { ...options, ...(body && { body }) });
        expect([path, answer.status]).toEqual([path, 429]);
      });
      await Promise.all(refused);
    });
    await serving(open("little.db", { limits: { relationsMax: 1, connectionsMax: 0 } }), async (ask) => {
      await ask("alice", "PUT", "/contacts/bob", { as: "/contacts/{user}" });
      for (const path of ["/contacts", "/blocks"])
        expect((await ask("alice", "PUT", `${path}/carol`, { as: `${path}/{user}` })).status).toBe(413);
      const { body } = await ask("alice", "GET", "/ws", { headers: upgradeHeaders });
      expect(body).toMatchObject({ code: "too_many_connections" });
      expect((await ask("alice", "GET", "/me")).body).toEqual(body);
    });
  });
});

test("Q16 every answer that is described was seen", () => {
  const described = operations.flatMap(({ method, path, operation }) =>
    Object.keys(operation.responses).map((status) => `${method} ${path} ${status}`),
  );
  // The frames' own test opens sockets.
  expect(described.filter((name) => !seen.has(name))).toEqual(["GET /ws 101"]);
});

test("control: Q16 an answer with another field, type, code, header or status is a fault", () => {
  const headers = new Headers({ "content-type": "application/json" });
  const good = { status: 200, headers, body: { user: "bob" } };
  const faults = (answer: object) => faultsOf("GET", "/contacts/{user}", { ...good, ...answer });
  expect(faults({})).toEqual([]);
  for (const bad of [
    { body: { user: "bob", name: "Bob" } },
    { body: { user: 7 } },
    { body: { user: "zoë" } },
    { body: {} },
    { status: 202 },
    { headers: new Headers({ "content-type": "text/plain" }) },
  ])
    expect(faults(bad)).not.toEqual([]);
  const problem = (code: string, status: number, more: Record<string, string> = {}) => ({
    status,
    headers: new Headers({ "content-type": "application/problem+json", ...more }),
    body: { type: `urn:tidings:error:${code}`, title: "T", status, detail: "D", code },
  });
  expect(faults(problem("not_found", 404))).toEqual([]);
  expect(faults(problem("conflict", 404))).not.toEqual([]);
  expect(faults(problem("made_up", 404))).not.toEqual([]);
  expect(faults(problem("unavailable", 503, { "retry-after": "5" }))).toEqual([]);
  expect(faults(problem("unavailable", 503))).not.toEqual([]);
  expect(faults(problem("unavailable", 503, { "retry-after": "0" }))).not.toEqual([]);
});
