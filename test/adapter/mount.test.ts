import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import { upgradeWebSocket, websocket } from "hono/bun";
import { hono } from "../../src/adapter/hono.ts";
import { createChat } from "../../src/chat.ts";
import { demo } from "../../src/access/demo.ts";
import { endClients, join as joinAs } from "../support/client.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";
import { type ExampleName, startExample } from "./start-example.ts";

/** The adapter and HTTP, and the app around the mount. */
function describeMount(name: ExampleName): void {
  let server: RunningServer;
  let http = "";
  beforeAll(async () => {
    server = await startExample(name)();
    http = server.url.replace("ws:", "http:");
  });
  afterAll(async () => {
    endClients();
    await server.dispose();
  });
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${http}${path}`, { headers: { "content-type": "application/json" }, ...init });
    const text = await response.text();
    return {
      status: response.status,
      body: text === "" ? null : (JSON.parse(text) as Record<string, unknown>),
      headers: response.headers,
    };
  };
  const post = (body: string | ReadableStream) => ask("/messages?user=alice", { method: "POST", body });

  test(`G3 ${name}: the HTTP API is there, and one chat with the socket`, async () => {
    const bob = await joinAs(server.url, { user: "bob" });
    const sent = await post(JSON.stringify({ id: newId(), to: "bob", text: "über HTTP ✓" }));
    expect([sent.status, sent.body?.["seq"]]).toEqual([201, 1]);
    await bob.when(() => bob.messages()[0]?.text === "über HTTP ✓");
    expect((await ask("/messages?user=bob&with=alice")).body).toMatchObject({ messages: [{ seq: 1 }] });
    expect((await ask("/conversations?user=bob")).status).toBe(200);
    expect((await ask("/contacts/+249?user=bob", { method: "PUT" })).status).toBe(204);
  });

  test(`G3 Q80 ${name}: a waiting request is answered with the news`, async () => {
    const first = (await ask("/changes?user=erin&device=web&wait=0")).body;
    const waiting = ask(`/changes?user=erin&device=web&cursor=${String(first?.["cursor"])}`);
    const sent = await ask("/messages?user=alice", {
      method: "POST",
      body: JSON.stringify({ id: newId(), to: "erin", text: "while you wait" }),
    });
    expect(sent.status).toBe(201);
    const told = await waiting;
    expect([told.status, JSON.stringify(told.body)]).toEqual([200, expect.stringContaining("while you wait")]);
  });

  test(`G3 ${name}: refusals keep their status, type and code`, async () => {
    const missing = await ask("/nothing?user=alice");
    expect([missing.status, missing.body?.["code"], missing.headers.get("content-type")]).toEqual([
      404,
      "not_found",
      "application/problem+json",
    ]);
    expect((await ask("/ws?user=alice")).status).toBe(426);
    expect((await ask("/messages")).status).toBe(401);
    expect((await post("{")).body?.["code"]).toBe("bad_request");
    const foreign = await ask("/contacts/bob?user=alice", {
      method: "PUT",
      headers: { origin: "https://evil.example" },
    });
    expect(foreign.status).toBe(403);
  });

  test(`G3 R1 ${name}: a body over the limit is refused, also without a declared length`, async () => {
    expect((await post("x".repeat(70_000))).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 16_384;
        if (sent > 50_000_000) return controller.close();
        controller.enqueue(new TextEncoder().encode(" ".repeat(16_384)));
      },
    });
    const answer = await post(endless).catch(() => ({ status: 413 }));
    expect(answer.status).toBe(413);
    expect(sent).toBeLessThan(20_000_000);
    expect((await ask("/conversations?user=alice")).status).toBe(200);
  });

  if (name.startsWith("hono"))
    test(`G4 ${name}: the app's own routes and middleware go on, and see the upgrade`, async () => {
      const root = http.replace(/\/chat$/, "");
      expect(await (await fetch(`${root}/`)).text()).toBe("Your app answers");
      expect((await fetch(`${root}/nothing`)).status).toBe(404);
      await joinAs(server.url, { user: "carol" });
      expect(server.output()).toContain("GET /chat/ws");
    });
}

describe("a mounted chat", () => {
  for (const name of ["bun", "hono-bun", "deno", "hono-deno"] as const) describe(name, () => describeMount(name));
  for (const name of ["node", "hono-node"] as const) describeWith("node", name, () => describeMount(name));
});

describe("an app's own middleware", () => {
  test("G4 may refuse an upgrade, and then the chat never sees it", async () => {
    const folder = temporaryFolder();
    const asked: string[] = [];
    const authenticate = demo();
    const chat = createChat({
      database: { url: `file:${join(folder, "chat.db")}` },
      authenticate: (request) => (asked.push(request.url), authenticate(request)),
    });
    const app = new Hono();
    app.use("/chat/*", async (context, next) =>
      context.req.query("user") === "banned" ? context.text("No", 418) : await next(),
    );
    app.route("/chat", hono(chat, upgradeWebSocket));
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch, websocket });
    try {
      const upgrade = { headers: { upgrade: "websocket", connection: "Upgrade" } };
      const refused = await fetch(`http://127.0.0.1:${server.port}/chat/ws?user=banned`, upgrade);
      expect([refused.status, asked.length]).toEqual([418, 0]);
      const alice = await joinAs(`ws://127.0.0.1:${server.port}/chat`, { user: "alice" });
      expect(alice.isOpen()).toBe(true);
      alice.terminate();
    } finally {
      await chat.close();
      await server.stop(true);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
