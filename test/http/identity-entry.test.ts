/** The ids that identity providers issue are taken at every entry, and those that the path of a URL cannot carry at none. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join as joinPath } from "node:path";
import { type Chat, createChat } from "../../src/chat.ts";
import { ChatError } from "../../src/error.ts";
import { readTenantTicket, tenantTicket } from "../../src/access/ticket.ts";
import { connect, endClients, hasText, join } from "../support/client.ts";
import { type RunningServer, startServer, temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";

const [auth0, google] = ["auth0|5f7c8ec7c33c6c004bbafe82", "google-oauth2|103547991597142817347"];
const folded = [".", ".."];

let server: RunningServer;
let chat: Chat;
let folder: string;
beforeAll(async () => {
  folder = temporaryFolder();
  server = await startServer();
  chat = createChat({ database: { url: `file:${joinPath(folder, "chat.db")}` }, authenticate: () => null });
  await chat.ready();
});
afterAll(async () => {
  endClients();
  await Promise.all([server.dispose(), chat.close()]);
  rmSync(folder, { recursive: true, force: true });
});

type Body = { readonly code?: string; readonly messages?: readonly { readonly text: string }[] };

async function ask(user: string, method: string, path: string, body?: object): Promise<{ status: number; body: Body }> {
  const sign = path.includes("?") ? "&" : "?";
  const response = await fetch(`http://127.0.0.1:${server.port}${path}${sign}user=${encodeURIComponent(user)}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Body) };
}
const statusOf = async (...asked: Parameters<typeof ask>): Promise<number> => (await ask(...asked)).status;

describe("ids as identity providers issue them", () => {
  test("A53 people and devices with a bar connect, write, type, watch and ack", async () => {
    const { url } = server;
    const a = await join(url, { user: auth0, device: "ios|1", tenant: "org%7C1" });
    const b = await join(url, { user: google, device: "android|1", tenant: "org%7C1" });
    expect([a.welcome.user, a.welcome.device]).toEqual([auth0, "ios|1"]);
    const { conversation } = await a.sendOk({ to: google }, "hi");
    await b.next(hasText("hi"));
    expect(b.messages()).toMatchObject([{ from: auth0, to: google }]);
    b.ack();
    await a.when(() => a.frames.some((frame) => frame.type === "changes" && JSON.stringify(frame).includes("receipt")));
    b.typing({ to: auth0 });
    b.watch([auth0]);
    await a.when(() => a.frames.some((frame) => frame.type === "typing" && frame.user === google));
    await b.when(() => b.frames.some((frame) => frame.type === "presence" && frame.user === auth0));
    b.read(conversation, 1);
    const back = await connect(url, { user: google, device: "android|1", tenant: "org%7C1" });
    await back.settle();
    expect(back.messages()).toEqual([]);
  });

  test("A53 they are percent-encoded in paths and parameters, and bare in bodies", async () => {
    const [bar, other] = [encodeURIComponent(auth0), encodeURIComponent(google)];
    expect(bar).toStartWith("auth0%7C");
    expect(await statusOf(google, "POST", "/messages", { id: newId(), to: auth0, text: "over HTTP" })).toBe(201);
    expect((await ask(auth0, "GET", `/messages?with=${other}&from=${other}`)).body.messages).toMatchObject([
      { text: "over HTTP", from: google, to: auth0 },
    ]);
    expect(await statusOf(auth0, "GET", "/messages?device=ios%7C1")).toBe(200);
    expect(await statusOf(auth0, "PUT", `/blocks/${other}`)).toBe(204);
    const refused = await ask(google, "POST", "/messages", { id: newId(), to: auth0, text: "blocked" });
    expect([refused.status, refused.body.code]).toEqual([403, "blocked"]);
    expect((await ask(auth0, "GET", "/blocks")).body).toEqual({ blocks: [{ user: google }] } as never);
    expect((await ask(auth0, "GET", `/blocks?after=${other}`)).body).toEqual({ blocks: [] } as never);
    // As clients send it that do not encode a bar.
    expect(await statusOf(auth0, "DELETE", `/blocks/${google}`)).toBe(204);
    expect((await ask(auth0, "GET", "/blocks")).body).toEqual({ blocks: [] } as never);
    expect(await statusOf(auth0, "POST", "/contacts", { users: [google] })).toBe(204);
    expect(await statusOf(auth0, "GET", `/contacts/${other}`)).toBe(200);
    expect(await statusOf(auth0, "DELETE", `/contacts/${other}`)).toBe(204);
    expect(await statusOf(auth0, "GET", `/changes?device=ios%7C1&wait=0&watch=${other}`)).toBe(200);
    expect(await statusOf(auth0, "PUT", "/devices/ios%7C1", { notify: false })).toBe(204);
    expect(await statusOf(auth0, "DELETE", "/devices/ios%7C1")).toBe(204);
    expect(await statusOf(auth0, "POST", "/tickets")).toBe(201);
    expect(await statusOf(auth0, "GET", `/push/explain?message=${newId()}&for=${other}`)).toBe(404);
  });

  test("A53 the server's own code sends, disconnects and asks under them; they are compared byte by byte", async () => {
    expect(await chat.send({ from: auth0, to: google, text: "hi", tenant: "org|1" })).toMatchObject({ seq: 1 });
    expect(
      await chat.send({ from: "AUTH0|5f7c8ec7c33c6c004bbafe82", to: google, text: "hi", tenant: "org|1" }),
    ).toMatchObject({
      seq: 1,
    });
    await chat.disconnect({ user: auth0, tenant: "org|1", device: "ios|1" });
    expect(await chat.explainPush({ message: newId(), user: auth0, tenant: "org|1" })).toEqual([]);
    const ticket = tenantTicket("s".repeat(43), "org|1");
    expect((await readTenantTicket(ticket))?.tenant).toBe("org|1");
  });
});

describe("ids that the path of a URL cannot carry", () => {
  for (const id of folded) {
    test(`A53 ${id} is refused in frames, and makes nothing`, async () => {
      const { url } = server;
      const a = await join(url, { user: `frames${id.length}` });
      expect(await a.sendBad({ to: id }, "hi")).toMatchObject({ code: "invalid_recipient", retry: "never" });
      a.raw(JSON.stringify({ type: "typing", to: id, typing: true }), "error");
      a.raw(JSON.stringify({ type: "watch", users: [id] }), "error");
      await a.when(() => a.frames.filter((frame) => frame.type === "error").length === 2);
      expect(a.frames.filter((frame) => frame.type === "error")).toMatchObject([
        { code: "bad_frame" },
        { code: "bad_frame" },
      ]);
      expect((await ask(`frames${id.length}`, "GET", "/conversations")).body).toEqual({ conversations: [] } as never);
    });

    test(`A53 ${id} is refused as user, tenant or device of an upgrade or a request`, async () => {
      for (const [query, status] of [
        [`user=${id}`, 401],
        [`user=alice&tenant=${id}`, 401],
        [`user=alice&device=${id}`, 400],
      ] as const) {
        const response = await fetch(`http://127.0.0.1:${server.port}/ws?${query}`, {
          headers: {
            connection: "upgrade",
            upgrade: "websocket",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
            "sec-websocket-version": "13",
          },
        });
        expect([query, response.status]).toEqual([query, status]);
      }
      expect(await statusOf(id, "GET", "/contacts")).toBe(401);
      expect(await readTenantTicket(tenantTicket("s".repeat(43), id))).toBeNull();
    });

    test(`A53 ${id} is refused in bodies and parameters, and changes nothing`, async () => {
      const alice = `bodies${id.length}`;
      const send = await ask(alice, "POST", "/messages", { id: newId(), to: id, text: "hi" });
      expect([send.status, send.body.code]).toEqual([400, "invalid_recipient"]);
      for (const asked of [
        ["POST", "/contacts", { users: ["bob", id] }],
        ["POST", "/ack", { device: id, cursor: "c" }],
        ["GET", `/messages?with=${id}`],
        ["GET", `/messages?from=${id}`],
        ["GET", `/messages?device=${id}`],
        ["GET", `/changes?device=${id}&wait=0`],
        ["GET", `/changes?device=phone&wait=0&watch=bob,${id}`],
        ["GET", `/push/explain?message=${newId()}&for=${id}`],
      ] as const) {
        const [method, path, body] = asked;
        const answer = await ask(alice, method, path, body);
        expect([path, answer.status, answer.body.code]).toEqual([path, 400, "bad_request"]);
      }
      expect((await ask(alice, "GET", "/contacts")).body).toEqual({ contacts: [] } as never);
    });

    test(`A53 ${id} is refused where the server's own code names it`, async () => {
      const codeOf = (promise: Promise<unknown>) =>
        promise.then(
          () => "taken",
          (error: unknown) => (error instanceof ChatError ? error.code : String(error)),
        );
      expect(await codeOf(chat.send({ from: id, to: "bob", text: "hi" }))).toBe("bad_request");
      expect(await codeOf(chat.send({ from: "shop", to: id, text: "hi" }))).toBe("invalid_recipient");
      expect(await codeOf(chat.send({ from: "shop", to: "bob", text: "hi", tenant: id }))).toBe("bad_request");
      expect(await codeOf(chat.disconnect({ user: id }))).toBe("bad_request");
      expect(await codeOf(chat.disconnect({ user: "bob", device: id }))).toBe("bad_request");
      expect(await codeOf(chat.disconnect({ user: "bob", tenant: id }))).toBe("bad_request");
    });
  }
});
