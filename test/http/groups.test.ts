import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ActionTarget } from "../../src/access/policy.ts";
import type { Chat } from "../../src/chat-api.ts";
import { createChat } from "../../src/chat.ts";
import { ChatError } from "../../src/error.ts";
import type { Identity, Role } from "../../src/model.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";

const folder = temporaryFolder();
let chat: Chat;
let asked: (readonly [string, string, ActionTarget])[] = [];
let refused = "";

beforeAll(() => {
  chat = createChat({
    database: { url: `file:${join(folder, "chat.db")}` },
    authenticate: ({ url }: Request) => ({ user: new URL(url).searchParams.get("user") ?? "" }),
    authorize(action: string, { user }: Identity, target: ActionTarget) {
      asked.push([action, user, target]);
      return action !== refused;
    },
  });
});
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

type Body = Readonly<Record<string, unknown>>;
/** What a user gets: the status, and the body. */
async function ask(user: string, method: string, path: string, body?: unknown): Promise<readonly [number, Body]> {
  const url = new URL(path, "http://127.0.0.1");
  url.searchParams.set("user", user);
  const response = await chat.fetch(
    new Request(url.href, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    }),
  );
  const text = await response.text();
  return [response.status, text === "" ? {} : (JSON.parse(text) as Body)];
}
const idOf = ({ id }: Body): string => (typeof id === "string" ? id : "");
const codeOf = ([status, { code }]: readonly [number, Body]): readonly unknown[] => [status, code];
const errorOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "answered",
    (error: unknown) => (error instanceof ChatError ? error.code : String(error)),
  );

async function make(members: readonly string[] = ["bob", "cid"], more: Body = {}): Promise<string> {
  const [status, { id }] = await ask("ann", "POST", "/groups", { id: newId(), name: "Lunch", members, ...more });
  expect(status).toBe(201);
  return idOf({ id });
}

describe("groups over HTTP", () => {
  test("GR60 a group is made once for its id, and is read by its members alone", async () => {
    const body = { id: newId().toUpperCase(), name: "Lunch", data: { place: "park" }, members: ["bob"] };
    const [made, group] = await ask("ann", "POST", "/groups", body);
    const known = {
      kind: "group",
      version: 1,
      name: "Lunch",
      data: { place: "park" },
      visibility: "private",
      history: "joined",
    };
    expect([made, group]).toEqual([201, { ...known, id: group["id"], members: 2, role: "owner" }]);
    expect(await ask("ann", "POST", "/groups", { ...body, id: body.id.toLowerCase() })).toEqual([200, group]);
    expect(await ask("bob", "GET", `/groups/${idOf(group)}`)).toEqual([200, { ...group, role: "member" }]);
    expect(codeOf(await ask("eve", "GET", `/groups/${idOf(group)}`))).toEqual([404, "not_found"]);
  });

  test("GR61 roles decide over HTTP as in the store, and events have their place among the messages", async () => {
    const id = await make();
    expect(codeOf(await ask("bob", "POST", `/groups/${id}/members`, { users: ["dee"] }))).toEqual([403, "forbidden"]);
    expect(codeOf(await ask("eve", "POST", `/groups/${id}/members`, { users: ["dee"] }))).toEqual([404, "not_found"]);
    expect((await ask("ann", "PUT", `/groups/${id}/members/bob`, { role: "admin" }))[0]).toBe(200);
    expect((await ask("bob", "POST", `/groups/${id}/members`, { users: ["dee", "ann"] }))[1]["members"]).toBe(4);
    expect((await ask("bob", "PATCH", `/groups/${id}`, { name: "Dinner", version: 1 }))[1]["version"]).toBe(2);
    expect(codeOf(await ask("ann", "PATCH", `/groups/${id}`, { name: "Tea", version: 1 }))).toEqual([409, "conflict"]);
    expect(codeOf(await ask("bob", "PATCH", `/groups/${id}`, { visibility: "open" }))).toEqual([403, "forbidden"]);
    expect(codeOf(await ask("eve", "POST", `/groups/${id}/join`))).toEqual([404, "not_found"]);
    expect((await ask("ann", "PATCH", `/groups/${id}`, { visibility: "open" }))[0]).toBe(200);
    expect((await ask("eve", "POST", `/groups/${id}/join`))[0]).toBe(200);
    const sent = { id: newId(), conversation: id, text: "hi" };
    expect((await ask("eve", "POST", "/messages", sent))[0]).toBe(201);
    expect((await ask("bob", "DELETE", `/groups/${id}/members/eve`))[0]).toBe(200);
    expect(codeOf(await ask("bob", "DELETE", `/groups/${id}/members/ann`))).toEqual([403, "forbidden"]);
    expect(codeOf(await ask("eve", "POST", "/messages", { ...sent, id: newId() }))).toEqual([404, "not_found"]);
    expect((await ask("cid", "POST", `/groups/${id}/leave`))[0]).toBe(204);
    expect(codeOf(await ask("ann", "POST", `/groups/${id}/leave`))).toEqual([403, "forbidden"]);
    const [, { messages }] = await ask("ann", "GET", `/messages?conversation=${id}&limit=50`);
    const events = (messages as { event?: { type: string; users?: string[] } }[]).map(
      ({ event }) => event?.type ?? "text",
    );
    expect(events).toEqual(["created", "role", "added", "renamed", "joined", "text", "removed", "left"]);
    const pages = [];
    for (let after = ""; pages.length < 9;) {
      const [, page] = await ask("ann", "GET", `/groups/${id}/members?limit=2${after}`);
      pages.push(...(page["members"] as { user: string }[]).map(({ user }) => user));
      const { next } = page;
      if (typeof next !== "string") break;
      after = `&after=${next}`;
    }
    expect(pages.toSorted()).toEqual(["ann", "bob", "dee"]);
  });

  test("GR62 clients that know groups find them in the list, with what is unread; others find none", async () => {
    const id = await make(["gil"]);
    await ask("ann", "POST", "/messages", { id: newId(), conversation: id, text: "hi" });
    const [, { conversations }] = await ask("gil", "GET", "/conversations?level=3");
    expect(conversations).toMatchObject([
      { id, kind: "group", status: "member", role: "member", members: 2, unread: 1, group: { name: "Lunch" } },
    ]);
    expect((await ask("gil", "GET", "/conversations"))[1]).toEqual({ conversations: [] });
    expect((await ask("gil", "GET", `/conversations/${id}`))[1]).toMatchObject({ id, unread: 1 });
    expect((await ask("gil", "POST", `/conversations/${id}/read`, { seq: 2 }))[0]).toBe(204);
    for (let i = 0; i < 100; i++) {
      const [, { unread }] = await ask("gil", "GET", `/conversations/${id}`);
      if (unread === 0) return;
      await Bun.sleep(10);
    }
    throw new Error("It stays unread");
  });

  test("GR7 GR8 small groups show what each member has read; the sender asks how many have read a message", async () => {
    const id = await make(["hal"]);
    await ask("ann", "POST", "/messages", { id: newId(), conversation: id, text: "hi" });
    expect((await ask("hal", "POST", `/conversations/${id}/read`, { seq: 2 }))[0]).toBe(204);
    expect((await ask("ann", "GET", `/groups/${id}/members`))[1]["members"]).toEqual([
      { user: "ann", role: "owner", delivered: 0, read: 0 },
      { user: "hal", role: "member", delivered: 2, read: 2 },
    ]);
    const read = { count: 1, readers: ["hal"] };
    expect(await ask("ann", "GET", `/groups/${id}/readers?seq=2`)).toEqual([200, read]);
    expect(await chat.groups.readers({ group: id, seq: 2 })).toEqual(read);
    expect(codeOf(await ask("eve", "GET", `/groups/${id}/readers?seq=2`))).toEqual([404, "not_found"]);
    expect(codeOf(await ask("ann", "GET", `/groups/${id}/readers?seq=99`))).toEqual([404, "not_found"]);
    expect(codeOf(await ask("ann", "GET", `/groups/${id}/readers`))).toEqual([400, "bad_request"]);
  });

  test("GR9 GR67 members are mentioned by name, all of them by an admin; the list counts what is unread", async () => {
    const id = await make(["ida", "joe"]);
    const send = (user: string, mentions: unknown, more: Body = {}) =>
      ask(user, "POST", "/messages", { id: newId(), conversation: id, text: "hi", mentions, ...more });
    expect((await send("joe", ["ida", "ida", "eve"]))[0]).toBe(201);
    expect((await send("ann", "all"))[0]).toBe(201);
    expect(codeOf(await send("joe", "all"))).toEqual([403, "forbidden"]);
    expect(codeOf(await send("eve", "all"))).toEqual([404, "not_found"]);
    expect((await chat.send({ from: "joe", conversation: id, text: "hi", mentions: "all" })).seq).toBe(4);
    const many = Array.from({ length: defaultLimits.mentionsMax + 1 }, (_, i) => `u${i}`);
    expect(codeOf(await send("joe", many))).toEqual([413, "too_large"]);
    for (const wrong of [[], ["no body"], "some", 7]) expect((await send("joe", wrong))[0]).toBe(400);
    const direct = { id: newId(), to: "ida", text: "hi", mentions: ["ida"] };
    expect(codeOf(await ask("joe", "POST", "/messages", direct))).toEqual([400, "bad_request"]);
    expect((await ask("ida", "GET", `/conversations/${id}`))[1]).toMatchObject({ unread: 3, mentions: 3 });
    expect((await ask("joe", "GET", `/conversations/${id}`))[1]).toMatchObject({ unread: 1, mentions: 1 });
    const [, { messages }] = await ask("ida", "GET", `/messages?conversation=${id}`);
    expect((messages as { mentions?: unknown }[]).map(({ mentions }) => mentions)).toEqual([
      undefined,
      ["ida", "eve"],
      "all",
      "all",
    ]);
  });

  test("GR68 a member mutes the group on all of their devices, and nobody else can", async () => {
    const id = await make(["kim"]);
    expect((await ask("kim", "PUT", `/conversations/${id}/mute`, {}))[0]).toBe(204);
    expect(await ask("kim", "GET", `/conversations/${id}/mute`)).toEqual([200, { muted: true }]);
    const setting = { muted: true, version: 1 };
    expect((await ask("kim", "GET", `/conversations/${id}`))[1]).toMatchObject({ setting });
    expect((await ask("ann", "GET", `/conversations/${id}`))[1]).toMatchObject({ setting: { muted: false } });
    expect(codeOf(await ask("eve", "PUT", `/conversations/${id}/mute`, {}))).toEqual([404, "not_found"]);
    expect((await ask("kim", "POST", `/groups/${id}/leave`))[0]).toBe(204);
    expect(codeOf(await ask("kim", "PUT", `/conversations/${id}/mute`, {}))).toEqual([404, "not_found"]);
  });

  test("GR63 malformed and too large input is refused with its code, and changes nothing", async () => {
    const id = await make();
    const good = { id: newId(), name: "x" };
    const many = Array.from({ length: defaultLimits.groupAddMax + 1 }, (_, i) => `u${i}`);
    const cases: readonly (readonly [Body, number, string])[] = [
      [{ ...good, name: "" }, 400, "bad_request"],
      [{ ...good, name: "a\nb" }, 400, "bad_request"],
      [{ ...good, name: "\ud800" }, 400, "bad_request"],
      [{ ...good, name: "x".repeat(257) }, 413, "too_large"],
      [{ ...good, data: { x: "y".repeat(4_096) } }, 413, "too_large"],
      [{ ...good, data: ["x"] }, 400, "bad_request"],
      [{ ...good, id: "7" }, 400, "bad_request"],
      [{ ...good, members: many }, 413, "too_large"],
      [{ ...good, members: ["no body"] }, 400, "bad_request"],
      [{ ...good, visibility: "secret" }, 400, "bad_request"],
      [{ ...good, more: 1 }, 400, "bad_request"],
    ];
    for (const [body, status, code] of cases)
      expect([body, ...codeOf(await ask("ann", "POST", "/groups", body))]).toEqual([body, status, code]);
    expect(codeOf(await ask("ann", "POST", `/groups/${id}/members`, { users: many }))).toEqual([413, "too_large"]);
    expect(codeOf(await ask("ann", "PUT", `/groups/${id}/members/bob`, { role: "king" }))).toEqual([
      400,
      "bad_request",
    ]);
    expect(codeOf(await ask("ann", "GET", "/groups/nothing"))).toEqual([404, "not_found"]);
    expect((await ask("ann", "GET", `/groups/${id}`))[1]).toMatchObject({ version: 1, members: 3 });
  });

  test("GR64 the host's rule is asked about each act on a group, with the role of the user, and refuses it", async () => {
    const id = await make(["bob"], { visibility: "open" });
    const acts: readonly (readonly [string, string, string, unknown, Role?])[] = [
      ["group.create", "POST", "/groups", { id: newId(), name: "x" }],
      ["group.update", "PATCH", `/groups/${id}`, { name: "y" }, "owner"],
      ["group.add", "POST", `/groups/${id}/members`, { users: ["dee"] }, "owner"],
      ["group.role", "PUT", `/groups/${id}/members/bob`, { role: "admin" }, "owner"],
      ["group.remove", "DELETE", `/groups/${id}/members/bob`, undefined, "owner"],
      ["group.join", "POST", `/groups/${id}/join`, undefined, "owner"],
      ["send", "POST", "/messages", { id: newId(), conversation: id, text: "hi" }, "owner"],
    ];
    const before = await ask("ann", "GET", `/groups/${id}`);
    for (const [action, method, path, body, role] of acts) {
      [asked, refused] = [[], action];
      expect([action, ...codeOf(await ask("ann", method, path, body))]).toEqual([action, 403, "forbidden"]);
      const group = { ...(action !== "group.create" && { conversation: id }), ...(role !== undefined && { role }) };
      expect(asked).toEqual([[action, "ann", { tenant: "default", user: "", group }]]);
    }
    refused = "";
    expect(await ask("ann", "GET", `/groups/${id}`)).toEqual(before);
  });
});

describe("groups from the host's code", () => {
  test("GR65 the host makes and changes groups in the name of users, whatever their roles", async () => {
    const { groups } = chat;
    const id = newId();
    const made = await groups.create({ owner: "ann", name: "Team", members: ["bob"], id });
    expect(await groups.create({ owner: "ann", name: "Team", members: ["bob"], id })).toMatchObject({ id: made.id });
    const call = { group: made.id, by: "robot" };
    expect(await groups.add({ ...call, users: ["cid"] })).toMatchObject({ members: 3 });
    expect(await groups.setRole({ ...call, user: "ann", role: "member" })).toMatchObject({ members: 3 });
    expect(await groups.update({ ...call, name: "Crew", data: { a: 1 } })).toMatchObject({ name: "Crew", version: 2 });
    expect(await groups.remove({ ...call, user: "bob" })).toMatchObject({ members: 2 });
    expect(await groups.get({ group: made.id })).toMatchObject({ name: "Crew", members: 2 });
    expect(await groups.get({ group: "nothing" })).toBeNull();
    const { members, next } = await groups.members({ group: made.id, limit: 1 });
    expect([members.length, next !== undefined]).toEqual([1, true]);
    const { seq } = await chat.send({ from: "cid", conversation: made.id, text: "hi" });
    expect(seq).toBe(6);
    expect(await errorOf(chat.send({ from: "bob", conversation: made.id, text: "hi" }))).toBe("not_found");
    expect(await errorOf(chat.send({ from: "bob", text: "hi" }))).toBe("bad_request");
  });

  test("GR66 plain JavaScript with wrong fields is refused", async () => {
    const groups = chat.groups as unknown as Record<string, (call: object) => Promise<unknown>>;
    const call = { group: "c1", by: "ann" };
    const wrong: readonly (readonly [string, object])[] = [
      ["create", { owner: "ann" }],
      ["create", { owner: "no body", name: "x" }],
      ["create", { owner: "ann", name: "x", members: "bob" }],
      ["create", { owner: "ann", name: "x", history: "some" }],
      ["create", { owner: "ann", name: "x", more: 1 }],
      ["update", { ...call, visibility: "x" }],
      ["update", { ...call, version: "1" }],
      ["add", { ...call, users: "bob" }],
      ["remove", { ...call, user: "" }],
      ["setRole", { ...call, user: "bob", role: "king" }],
      ["get", { group: 7 }],
      ["members", { group: "c1", limit: 0 }],
      ["readers", { group: "c1" }],
    ];
    for (const [name, given] of wrong)
      expect([name, given, await errorOf(groups[name]?.(given) ?? Promise.resolve())]).toEqual([
        name,
        given,
        "bad_request",
      ]);
    expect(await errorOf(chat.groups.add({ group: "c1", by: "ann", users: ["bob"] }))).toBe("not_found");
  });
});
