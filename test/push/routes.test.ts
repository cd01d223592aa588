import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createChat, type Chat } from "../../src/chat.ts";
import type { ChatOptions } from "../../src/chat-options.ts";
import { ask, type Answers } from "../http/ask.ts";
import { until } from "../support/fake-socket.ts";
import { temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";
import { createPhones } from "./support/phone.ts";

const folder = temporaryFolder();
const phones = createPhones("phones", undefined, { public: { publicKey: "a key" }, expects: "a token of theirs" });
let chat: Chat;
let api: Answers;
const make = (name: string, options: Partial<ChatOptions>): Chat =>
  createChat({
    database: { url: `file:${join(folder, name)}` },
    authenticate: (request) => {
      const [name = "", role] = (new URL(request.url).searchParams.get("user") ?? "").split("~");
      const [user = "", tenant] = name.split("@");
      return { user, ...(tenant !== undefined && { tenant }), ...(role === "host" && { isHost: true }) };
    },
    ...options,
  });
beforeAll(async () => {
  chat = make("routes.db", { push: [phones.provider] });
  api = (request) => chat.fetch(request);
  await chat.ready();
});
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

const put = (user: string, device: string, body: object | string) =>
  ask<{ code?: string; detail?: string }>(api, user, `/devices/${device}`, { method: "PUT", body });

describe("the routes", () => {
  test("U6 U11 a provider that needs no token has an address for each device of each user", async () => {
    const hook = createPhones("hook", undefined, { parse: () => ({ token: "" }) });
    const own = make("places.db", { push: [hook.provider] });
    await own.ready();
    for (const [user, device] of [
      ["bob", "phone"],
      ["bob", "laptop"],
      ["carol", "phone"],
    ] as const) {
      const body = { push: { provider: "hook" } };
      const { status } = await ask((request) => own.fetch(request), user, `/devices/${device}`, {
        method: "PUT",
        body,
      });
      expect(status).toBe(204);
    }
    for (const to of ["bob", "carol"]) await own.send({ from: "alice", to, text: "hi" });
    await until(() => hook.requests.length === 3);
    await own.close();
    expect(hook.requests.map(({ user, device }) => `${user} ${device}`).toSorted()).toEqual([
      "bob laptop",
      "bob phone",
      "carol phone",
    ]);
  });

  /** A phone that moves from one workspace to another, and registers there. */
  async function switchWorkspace(name: string, options: Partial<ChatOptions>) {
    const own = createPhones();
    const switching = make(name, { push: [own.provider], ...options });
    await switching.ready();
    for (const user of ["bob@acme", "bob@rival"]) {
      const body = { push: { provider: "phones", token: "one phone" } };
      const { status } = await ask((request) => switching.fetch(request), user, "/devices/phone", {
        method: "PUT",
        body,
      });
      expect(status).toBe(204);
    }
    for (const tenant of ["acme", "rival"]) await switching.send({ tenant, from: "alice", to: "bob", text: "hi" });
    await until(() => own.requests.some(({ tenant }) => tenant === "rival"));
    // Acme's message was accepted first: its request is under way by now, and closing waits for it.
    await switching.close();
    return own.requests.map(({ tenant }) => tenant).toSorted();
  }

  test("U6 a token that moves to another tenant takes no notices along", async () => {
    expect(await switchWorkspace("switch.db", {})).toEqual(["rival"]);
  });

  test("U25 a device that holds several accounts is notified of all of them", async () => {
    expect(await switchWorkspace("several.db", { accountsPerDevice: "several" })).toEqual(["acme", "rival"]);
  });

  test("U25 T1 a provider that needs no token has an address in each tenant, with one account or several", async () => {
    const hook = createPhones("hook", undefined, { parse: () => ({ token: "" }) });
    const own = make("tenants.db", { push: [hook.provider] });
    await own.ready();
    for (const user of ["bob@acme", "bob@rival"]) {
      const body = { push: { provider: "hook" } };
      await ask((request) => own.fetch(request), user, "/devices/phone", { method: "PUT", body });
    }
    for (const tenant of ["acme", "rival"]) await own.send({ tenant, from: "alice", to: "bob", text: "hi" });
    await until(() => hook.requests.length === 2);
    await own.close();
    expect(hook.requests.map(({ tenant }) => tenant).toSorted()).toEqual(["acme", "rival"]);
  });

  test("U25 accountsPerDevice is one of two words", () => {
    const wrong = { accountsPerDevice: "many" } as unknown as Partial<ChatOptions>;
    expect(() => make("wrong.db", wrong)).toThrow("accountsPerDevice");
  });

  test("U11 a device that registers is notified; GET /push lists the providers with their public data", async () => {
    expect((await ask(api, "bob", "/push")).body).toEqual({ providers: [{ publicKey: "a key", name: "phones" }] });
    expect((await put("bob", "phone", { push: { provider: "phones", token: "t" } })).status).toBe(204);
    const { conversation } = await chat.send({ from: "alice", to: "bob", text: "hi" });
    await until(() => phones.screenOf("t").rings === 1);
    expect(phones.showing("t")).toEqual({ [conversation]: 1 });
    expect((await ask(api, "bob", "/devices/phone", { method: "DELETE" })).status).toBe(204);
    await chat.send({ from: "alice", to: "bob", text: "hi" });
    await Bun.sleep(300);
    expect(phones.screenOf("t").rings).toBe(1);
  });

  test("U11 a malformed registration is refused with the expected form, and changes nothing", async () => {
    expect((await put("carol", "phone", { push: { provider: "phones", token: "good" } })).status).toBe(204);
    for (const [body, detail] of [
      [{ push: { provider: "phones" } }, "push is malformed: phones takes a token of theirs"],
      [{ push: { provider: "phones", token: 7 } }, "push is malformed: phones takes a token of theirs"],
      [{ push: { provider: "phones", token: "a\0b" } }, "push is malformed: phones takes a token of theirs"],
      [{ push: { provider: "phones", token: "\ud800" } }, "push is malformed: phones takes a token of theirs"],
      [
        { push: { provider: "phones", token: "t", expiresAt: 0.5 } },
        "push is malformed: phones takes a token of theirs",
      ],
      [
        '{"push":{"provider":"phones","token":"t","expiresAt":1e400}}',
        "push is malformed: phones takes a token of theirs",
      ],
      [{ push: { provider: "pigeons", token: "t" } }, "push.provider is none of this server's: phones"],
      [{ push: { token: "t" } }, "The body is malformed"],
      [{ push: "t" }, "The body is malformed"],
      [{ notify: "yes" }, "The body is malformed"],
      [{ more: 1 }, "The body is malformed"],
      ["{", "The body is not JSON"],
    ] as const) {
      const answer = await put("carol", "phone", body);
      expect([answer.status, answer.body.code]).toEqual([400, "bad_request"]);
      expect(answer.body.detail).toStartWith(detail);
    }
    expect((await put("carol", "pho%20ne", {})).status).toBe(400);
    await chat.send({ from: "alice", to: "carol", text: "hi" });
    await until(() => phones.screenOf("good").rings === 1);
  });

  test("U6 no token can replace the address of a device that needs none", async () => {
    const hook = createPhones("hook", undefined, { parse: ({ token = "" }) => ({ token: String(token) }) });
    const other = make("tokenless.db", { push: [hook.provider] });
    await other.ready();
    const register = (user: string, push: object) =>
      ask((request) => other.fetch(request), user, "/devices/phone", { method: "PUT", body: { push } });
    expect((await register("bob", { provider: "hook" })).status).toBe(204);
    expect((await register("eve", { provider: "hook", token: "bob phone" })).status).toBe(204);
    await other.send({ from: "alice", to: "bob", text: "hi" });
    await until(() => hook.requests.length === 1);
    expect(hook.requests).toMatchObject([{ user: "bob", device: "phone", token: "" }]);
    await other.close();
  });

  test("U10 users may ask about their own devices, the host about all, also from its own code", async () => {
    const id = newId();
    await put("dan", "phone", { push: { provider: "phones", token: "dan" } });
    await chat.send({ from: "alice", to: "dan", text: "hi", id });
    await until(() => phones.screenOf("dan").rings === 1);
    type Explained = { messages: readonly { decisions: readonly { reason: string; answer: string }[] }[] };
    const why = (user: string, more = "") => ask<Explained>(api, user, `/push/explain?message=${id}${more}`);
    // The outcome is stored a moment after the notification was shown.
    for (let i = 0; i < 1_000 && (await why("dan")).body.messages[0]?.decisions[0]?.reason !== "sent"; i++)
      await Bun.sleep(10);
    const told = {
      messages: [{ id, from: "alice", seq: 1, decisions: [{ device: "phone", reason: "sent", answer: "ok" }] }],
    };
    expect((await why("dan")).body).toMatchObject(told);
    expect((await why("ops~host", "&for=dan")).body).toMatchObject(told);
    expect({ messages: await chat.explainPush({ message: id, user: "dan" }) }).toMatchObject(told);
    const refused = await why("eve", "&for=dan");
    const nothing = await ask(api, "eve", `/push/explain?message=${newId()}`);
    expect([refused.status, refused.text]).toEqual([404, nothing.text]);
    expect((await why("ops~host")).status).toBe(404);
  });

  test("U11 providers with equal names, or that are invalid, are refused at the start", () => {
    const { provider } = phones;
    const wrong = (...push: unknown[]) => make("wrong.db", { push: push as never });
    expect(() => wrong(provider, provider)).toThrow("two push providers named phones");
    expect(() => wrong({ ...provider, name: "A B" })).toThrow("name of a push provider");
    expect(() => wrong({ ...provider, send: undefined })).toThrow("phones needs parse and send");
  });

  test("U11 without providers nothing is registered, and no notice is kept", async () => {
    const bare = make("bare.db", {});
    await bare.ready();
    const body = { push: { provider: "phones", token: "t" } };
    const answer = await ask<{ detail: string }>((request) => bare.fetch(request), "bob", "/devices/d", {
      method: "PUT",
      body,
    });
    expect(answer.body.detail).toBe("push.provider is none of this server's: it has none");
    await bare.close();
  });
});
