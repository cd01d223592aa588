import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Chat } from "../../src/chat-api.ts";
import { createChat } from "../../src/chat.ts";
import type { Identity } from "../../src/model.ts";
import { temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";

const folder = temporaryFolder();
let chat: Chat;
let asked: string[] = [];
let refused = "";

beforeAll(() => {
  chat = createChat({
    database: { url: `file:${join(folder, "chat.db")}` },
    authenticate: ({ url }: Request) => {
      const query = new URL(url).searchParams;
      return { user: query.get("user") ?? "", tenant: query.get("tenant") ?? "default" };
    },
    authorize(action: string, { user }: Identity) {
      asked.push(`${user} ${action}`);
      return action !== refused;
    },
    limits: { groupInvitesMax: 4 },
  });
});
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

type Body = Readonly<Record<string, unknown>>;
type Answer = readonly [status: number, body: Body];

/** The answer to a user; `acme/ann` is ann of the tenant acme. */
async function ask(who: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const [user = "", tenant = "default"] = who.split("/").reverse();
  const url = new URL(path, "http://127.0.0.1");
  url.searchParams.set("user", user);
  url.searchParams.set("tenant", tenant);
  const response = await chat.fetch(
    new Request(url.href, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    }),
  );
  const text = await response.text();
  return [response.status, text === "" ? {} : (JSON.parse(text) as Body)];
}

async function make(members: readonly string[] = ["bob"]): Promise<string> {
  const [, { id }] = await ask("ann", "POST", "/groups", { id: newId(), name: "Lunch", members });
  return String(id);
}
async function invite(group: string, body: Body = {}, who = "ann"): Promise<{ id: string; token: string }> {
  const [status, made] = await ask(who, "POST", `/groups/${group}/invites`, body);
  expect(status).toBe(201);
  return made as { id: string; token: string };
}
const enter = (who: string, token: string): Promise<Answer> => ask(who, "POST", `/invites/${token}/join`);
const codeOf = ([status, { code }]: Answer): readonly unknown[] => [status, code];
const notFound = [404, "not_found"];
const sizeOf = async (group: string): Promise<unknown> => (await chat.groups.get({ group }))?.members;

describe("invitations over HTTP", () => {
  test("GR70 an admin makes an invitation within the limits, and a member does not", async () => {
    const group = await make();
    const start = Date.now();
    const [status, made] = await ask("ann", "POST", `/groups/${group}/invites`, { expiresIn: 60, uses: 3 });
    expect([status, made]).toEqual([
      201,
      { id: expect.any(String), token: expect.stringMatching(/^[\w-]{43}$/), expiresAt: expect.any(Number), uses: 3 },
    ]);
    expect(Math.abs(Number(made["expiresAt"]) - start - 60_000)).toBeLessThan(30_000);
    for (const body of [
      { uses: 0 },
      { uses: 1_001 },
      { uses: 1.5 },
      { expiresIn: 0 },
      { expiresIn: 2_592_001 },
      { more: 1 },
    ])
      expect(codeOf(await ask("ann", "POST", `/groups/${group}/invites`, body))).toEqual([400, "bad_request"]);
    expect(codeOf(await ask("bob", "POST", `/groups/${group}/invites`, {}))).toEqual([403, "forbidden"]);
    expect(codeOf(await ask("eve", "POST", `/groups/${group}/invites`, {}))).toEqual(notFound);
    expect((await ask("ann", "POST", `/groups/${group}/invites`))[0]).toBe(201);
  });

  test("GR70 the database has no token", async () => {
    const { token } = await invite(await make());
    for (const name of ["chat.db", "chat.db-wal"])
      expect((await Bun.file(join(folder, name)).text()).includes(token)).toBe(false);
  });

  test("GR71 each new member takes a use, and a retry takes none", async () => {
    const group = await make();
    const { token } = await invite(group, { uses: 2 });
    const [status, joined] = await enter("cid", token);
    expect([status, joined]).toMatchObject([200, { id: group, members: 3, role: "member" }]);
    expect(await enter("cid", token)).toEqual([200, joined]);
    expect((await enter("ann", token))[0]).toBe(200);
    expect((await enter("dee", token))[0]).toBe(200);
    expect(codeOf(await enter("eve", token))).toEqual(notFound);
    // Their answers may have been lost.
    expect((await enter("dee", token))[0]).toBe(200);
    // A member leaves, and joins again: that is a use.
    expect((await ask("dee", "POST", `/groups/${group}/leave`))[0]).toBe(204);
    expect(codeOf(await enter("dee", token))).toEqual(notFound);
    expect((await enter("dee", (await invite(group)).token))[0]).toBe(200);
    const [, { messages }] = await ask("ann", "GET", `/messages?conversation=${group}`);
    expect((messages as { event: { type: string } }[]).map(({ event }) => event.type)).toEqual([
      ...["created", "joined", "joined", "left", "joined"],
    ]);
  });

  test("GR71 of many at once as many join as there are uses", async () => {
    const group = await make();
    const { token } = await invite(group, { uses: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => enter(`many-${i}`, token)));
    expect(answers.filter(([status]) => status === 200)).toHaveLength(3);
    for (const answer of answers.filter(([status]) => status !== 200)) expect(codeOf(answer)).toEqual(notFound);
    expect(await sizeOf(group)).toBe(5);
  });

  test("GR72 an unusable invitation is answered as an unknown one", async () => {
    const group = await make();
    const unknown = (await enter("eve", "x".repeat(43)))[1];
    expect(unknown["code"]).toBe("not_found");
    const { id, token: revoked } = await invite(group);
    expect((await ask("ann", "DELETE", `/groups/${group}/invites/${id.toUpperCase()}`))[0]).toBe(204);
    const { token: used } = await invite(group);
    await enter("cid", used);
    const { token } = await invite(group);
    expect((await ask("ann", "PUT", `/groups/${group}/members/bob`, { role: "admin" }))[0]).toBe(200);
    const { token: ofBob } = await invite(group, {}, "bob");
    expect((await ask("ann", "PUT", `/groups/${group}/members/bob`, { role: "member" }))[0]).toBe(200);
    for (const [who, each] of [
      ...["short", revoked, used, ofBob].map((one) => ["eve", one] as const),
      ["acme/eve", token],
    ] as const)
      expect([each, ...(await enter(who, each))]).toEqual([each, 404, unknown]);
    expect(await sizeOf(group)).toBe(3);
    expect((await enter("eve", token))[0]).toBe(200);
  });

  test("GR72 a removed user comes back by none", async () => {
    const group = await make();
    const { token } = await invite(group, { uses: 5 });
    expect((await ask("ann", "DELETE", `/groups/${group}/members/bob`))[0]).toBe(200);
    expect(codeOf(await enter("bob", token))).toEqual([403, "forbidden"]);
    expect((await chat.groups.invites({ group })).invites).toMatchObject([{ uses: 5 }]);
    expect((await ask("ann", "POST", `/groups/${group}/members`, { users: ["bob"] }))[0]).toBe(200);
    expect((await enter("bob", token))[0]).toBe(200);
  });

  test("GR73 admins list the usable invitations, without tokens, and revoke them", async () => {
    const group = await make();
    const used = await invite(group);
    const [one, two] = [await invite(group, { uses: 2 }), await invite(group, { uses: 2 })].toSorted((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    await enter("cid", used.token);
    await enter("dee", one?.token ?? "");
    const [, first] = await ask("ann", "GET", `/groups/${group}/invites?limit=1`);
    expect(first).toEqual({
      invites: [{ id: one?.id, by: "ann", expiresAt: expect.any(Number), uses: 1 }],
      next: one?.id,
    });
    const [, last] = await ask("ann", "GET", `/groups/${group}/invites?after=${String(first["next"])}`);
    expect(last).toMatchObject({ invites: [{ id: two?.id, uses: 2 }] });
    for (const [who, code] of [
      ["bob", "forbidden"],
      ["eve", "not_found"],
      ["acme/ann", "not_found"],
    ] as const) {
      expect((await ask(who, "GET", `/groups/${group}/invites`))[1]["code"]).toBe(code);
      expect((await ask(who, "DELETE", `/groups/${group}/invites/${two?.id}`))[1]["code"]).toBe(code);
    }
    expect((await ask("ann", "DELETE", `/groups/${group}/invites/x`))[0]).toBe(400);
    // An admin of another group.
    const other = await make();
    expect((await ask("ann", "DELETE", `/groups/${other}/invites/${two?.id}`))[0]).toBe(204);
    expect((await enter("fay", two?.token ?? ""))[0]).toBe(200);
  });

  test("GR74 authorize is asked about making an invitation, and about joining by one", async () => {
    const group = await make();
    asked = [];
    const { token } = await invite(group);
    expect((await enter("gil", token))[0]).toBe(200);
    expect(asked).toEqual(["ann group.invite", "gil group.join"]);
    for (const [action, answer] of [
      ["group.invite", () => ask("ann", "POST", `/groups/${group}/invites`, {})],
      ["group.join", async () => enter("hal", (await invite(group)).token)],
    ] as const) {
      refused = action;
      expect(codeOf(await answer())).toEqual([403, "forbidden"]);
      refused = "";
    }
  });

  test("GR75 a group has a bounded number of invitations", async () => {
    const group = await make();
    for (let i = 0; i < 4; i++) await invite(group);
    expect(codeOf(await ask("ann", "POST", `/groups/${group}/invites`, {}))).toEqual([413, "too_large"]);
  });

  test("GR70 GR73 the host makes, lists and revokes invitations", async () => {
    const group = await make();
    const { id, token } = await chat.groups.invite({ group, by: "robot", uses: 7, expiresIn: 60 });
    expect((await enter("ida", token))[0]).toBe(200);
    expect(await chat.groups.invites({ group })).toEqual({
      invites: [{ id, by: "robot", expiresAt: expect.any(Number), uses: 6 }],
    });
    await chat.groups.revokeInvite({ group, invite: id });
    expect(await chat.groups.invites({ group })).toEqual({ invites: [] });
    expect(codeOf(await enter("joe", token))).toEqual(notFound);
    for (const call of [
      () => chat.groups.invite({ group, by: "robot", uses: 0 }),
      () => chat.groups.invite({ group, by: "robot", more: 1 } as never),
      () => chat.groups.invites({ group, limit: 0 }),
      () => chat.groups.revokeInvite({ group, invite: "x" }),
    ])
      expect(await call().catch(({ code }: { code: string }) => code)).toBe("bad_request");
    expect(
      await chat.groups.invite({ group: "nothing", by: "robot" }).catch(({ code }: { code: string }) => code),
    ).toBe("not_found");
  });
});
