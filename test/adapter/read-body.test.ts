import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/bun";
import { hono } from "../../src/adapter/hono.ts";
import { node } from "../../src/adapter/node.ts";
import { createChat } from "../../src/chat.ts";
import { newId } from "../support/store.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-read-body-"));
const chat = createChat({
  database: { url: `file:${join(folder, "chat.db")}` },
  authenticate: () => ({ user: "alice" }),
});
beforeAll(() => chat.ready());
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

const init = () => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ id: newId(), to: "bob", text: "über HTTP ✓" }),
});
const lost = { code: "internal", detail: "The body was read by the app before it came to the chat" };

describe("a body that was read before", () => {
  test("G6 by Hono's own means is used; read past Hono, the answer says so", async () => {
    for (const read of ["json", "text", "arrayBuffer"] as const) {
      const app = new Hono();
      app.use(async ({ req }, next) => {
        await req[read]();
        await next();
      });
      app.route("/chat", hono(chat, upgradeWebSocket));
      expect((await app.request("/chat/messages", init())).status).toBe(201);
    }
    const app = new Hono();
    app.use(async ({ req }, next) => {
      await req.raw.json();
      await next();
    });
    app.route("/chat", hono(chat, upgradeWebSocket));
    const answer = await app.request("/chat/messages", init());
    expect(await answer.json()).toMatchObject(lost);
    // What needs no body is answered as ever.
    const muted = await app.request("/chat/contacts/bob", { ...init(), method: "PUT" });
    expect(muted.status).toBe(204);
  });

  for (const [name, leave, expected] of [
    ["as express.json() leaves it", (text: string): unknown => JSON.parse(text), { seq: expect.any(Number) }],
    ["as text", (text: string): unknown => text, { seq: expect.any(Number) }],
    ["as bytes", (text: string): unknown => Buffer.from(text), { seq: expect.any(Number) }],
    ["nowhere", (): unknown => undefined, lost],
    ["as what no JSON can say", (): unknown => ({ size: 1n }), lost],
  ] as const)
    test(`G6 on Node, left ${name}`, async () => {
      const { request } = node(chat);
      const server = createServer((incoming: IncomingMessage & { body?: unknown }, outgoing) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () => {
          incoming.body = leave(Buffer.concat(chunks).toString());
          request(incoming, outgoing);
        });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      expect(await (await fetch(`http://127.0.0.1:${port}/messages`, init())).json()).toMatchObject(expected);
      server.close();
    });

  test("G6 on Node, left as a text in rawBody too, as for signed webhooks", async () => {
    const { request } = node(chat);
    const server = createServer((incoming: IncomingMessage & { body?: unknown; rawBody?: unknown }, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        incoming.rawBody = Buffer.concat(chunks).toString();
        incoming.body = {};
        request(incoming, outgoing);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const answer = await fetch(`http://127.0.0.1:${port}/messages`, init());
    expect(await answer.json()).toMatchObject({ seq: expect.any(Number) });
    server.close();
  });
});
