import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Chat, createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/access/demo.ts";
import type { Action } from "../../../src/access/policy.ts";
import { temporaryFolder } from "../../support/server.ts";
import { newId } from "../../support/store.ts";
import { type Answers, ask } from "../ask.ts";

type People = { readonly contacts?: readonly { user: string }[]; readonly blocks?: readonly { user: string }[] };
type Page = People & { readonly next?: string };
type Problem = { readonly code: string };

let chat: Chat;
let api: Answers;
let folder: string;
let people = 0;
/** Users that the host lets no other keep as a contact, or write to; `broken`: its rule fails. */
const judged: string[] = [];
const authorize = (action: Action, { user }: { user: string }, target: { user: string }): boolean => {
  judged.push(`${action} ${user} ${target.user}`);
  if (target.user === "broken") throw new Error("the host's database is away");
  return target.user !== "forbidden";
};
beforeAll(async () => {
  folder = temporaryFolder();
  chat = createChat({
    database: { url: `file:${join(folder, "chat.db")}` },
    authenticate: demo(),
    authorize,
    limits: { relationsMax: 60 },
  });
  await chat.ready();
  api = chat.fetch;
});
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

const someone = (): string => `p${people++}`;
const put = (user: string, path: string) => ask<Problem>(api, user, path, { method: "PUT" });
const remove = (user: string, path: string) => ask<Problem>(api, user, path, { method: "DELETE" });
const list = async (user: string, path: string) => (await ask<Page>(api, user, path)).body;
const add = (user: string, users: unknown, body: object = { users }) => ask<Problem>(api, user, "/contacts", { body });

describe("contacts and blocks over HTTP", () => {
  for (const name of ["contacts", "blocks"] as const) {
    test(`B1 B4 /${name} keeps, lists in the order of names, and takes back; each as often as one likes`, async () => {
      const alice = someone();
      expect(await list(alice, `/${name}`)).toEqual({ [name]: [] });
      for (const other of ["zoe", "+2499", "bob", "bob", "a~b:c@d"])
        expect((await put(alice, `/${name}/${encodeURIComponent(other)}`)).status).toBe(204);
      const expected = ["+2499", "a~b:c@d", "bob", "zoe"];
      expect(await list(alice, `/${name}`)).toEqual({ [name]: expected.map((user) => ({ user })) });
      const pages: string[] = [];
      let after = "";
      for (let i = 0; i < 9; i++) {
        const page = await list(alice, `/${name}?limit=2${after && `&after=${after}`}`);
        pages.push(...(page[name] ?? []).map(({ user }) => user));
        if (page.next === undefined) break;
        after = page.next;
      }
      expect(pages).toEqual(expected);
      for (let i = 0; i < 2; i++) expect((await remove(alice, `/${name}/zoe`)).status).toBe(204);
      expect((await list(alice, `/${name}`))[name]).toHaveLength(3);
      // A plus in a path is a plus.
      expect((await remove(alice, `/${name}/+2499`)).status).toBe(204);
      expect((await list(alice, `/${name}`))[name]).toHaveLength(2);
      expect(await list(someone(), `/${name}`)).toEqual({ [name]: [] });
    });

    test(`B4 Q5 a malformed user, parameter or method at /${name} is refused, and changes nothing`, async () => {
      const alice = someone();
      for (const path of ["/zo%C3%AB", "/a%20b", `/${"x".repeat(129)}`, "/a%2Fb", "/%00", "/%252e%252e"]) {
        const answer = await put(alice, `/${name}${path}`);
        expect([path, answer.status, answer.body.code]).toEqual([path, 400, "bad_request"]);
      }
      const self = await put(alice, `/${name}/${alice}`);
      expect([self.status, self.body.code]).toEqual([400, "invalid_recipient"]);
      for (const query of ["limit=0", "limit=201", "after=zo%C3%AB", "after=", "with=bob", "limit=1&limit=1"]) {
        const answer = await ask<Problem>(api, alice, `/${name}?${query}`);
        expect([query, answer.status, answer.body.code]).toEqual([query, 400, "bad_request"]);
      }
      const wrong = await ask(api, alice, `/${name}/bob`, { method: "PATCH" });
      expect([wrong.status, wrong.headers.get("allow")?.includes("PUT")]).toEqual([405, true]);
      expect(await list(alice, `/${name}`)).toEqual({ [name]: [] });
    });
  }

  test("B4 T4 one contact is 200, and any other user is 404, whether they exist or not", async () => {
    const [alice, bob] = [someone(), someone()];
    await put(bob, `/contacts/${alice}`);
    await put(alice, "/contacts/carol");
    await put(alice, "/blocks/dan");
    expect((await ask(api, alice, "/contacts/carol")).body).toEqual({ user: "carol" });
    const answers = await Promise.all([bob, "dan", "nobody"].map((user) => ask(api, alice, `/contacts/${user}`)));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  test("B4 POST /contacts takes up to 50 at once, all or none", async () => {
    const alice = someone();
    const names = Array.from({ length: 51 }, (_, i) => `c${i}`);
    expect((await add(alice, names.slice(0, 50))).status).toBe(204);
    expect((await list(alice, "/contacts")).contacts).toHaveLength(50);
    const wrong = [names, [], ["zoë"], ["bob", 1], "bob", null];
    for (const users of wrong) {
      const answer = await add(alice, users);
      expect([users, answer.status, answer.body.code]).toEqual([users, 400, "bad_request"]);
    }
    expect((await add(alice, ["bob"], { users: ["bob"], tenant: "x" })).status).toBe(400);
    expect((await add(alice, ["bob", alice])).body.code).toBe("invalid_recipient");
    expect((await list(alice, "/contacts")).contacts).toHaveLength(50);
    // The bound on all of them together.
    const over = await add(
      alice,
      Array.from({ length: 11 }, (_, i) => `d${i}`),
    );
    expect([over.status, over.body.code]).toEqual([413, "too_large"]);
    expect((await put(alice, "/contacts/c1")).status).toBe(204);
    expect((await list(alice, "/contacts")).contacts).toHaveLength(50);
  });

  test("B9 the host decides who may be a contact; it is not asked about blocks, nor about removals", async () => {
    const alice = someone();
    judged.length = 0;
    expect((await put(alice, "/contacts/forbidden")).body.code).toBe("forbidden");
    const unknown = await put(alice, "/contacts/broken");
    expect([unknown.status, unknown.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await add(alice, ["bob", "forbidden"])).status).toBe(403);
    expect(await list(alice, "/contacts")).toEqual({ contacts: [] });
    expect(judged).toEqual([
      `contact ${alice} forbidden`,
      `contact ${alice} broken`,
      `contact ${alice} bob`,
      `contact ${alice} forbidden`,
    ]);
    judged.length = 0;
    expect((await put(alice, "/blocks/forbidden")).status).toBe(204);
    expect((await remove(alice, "/contacts/forbidden")).status).toBe(204);
    expect(judged).toEqual([]);
  });

  test("B9 B2 POST /messages and chat.send: the host's rules bind users, blocks bind both", async () => {
    const [alice, bob] = [someone(), someone()];
    const id = newId();
    const send = (to: string, messageId = newId()) =>
      ask<Problem>(api, alice, "/messages", { body: { id: messageId, to, text: "hi" } });
    expect([(await send("forbidden")).status, (await send("broken")).status]).toEqual([403, 503]);
    expect((await chat.send({ from: alice, to: "forbidden", text: "from the host" })).seq).toBe(1);
    expect((await send(bob, id)).status).toBe(201);
    await put(bob, `/blocks/${alice}`);
    expect((await send(bob, id)).status).toBe(200);
    const blocked = await send(bob);
    expect([blocked.status, blocked.body.code]).toEqual([403, "blocked"]);
    const own = await chat.send({ from: alice, to: bob, text: "from the host" }).catch((error: unknown) => error);
    expect(own).toMatchObject({ code: "blocked" });
    await remove(bob, `/blocks/${alice}`);
    expect((await send(bob)).status).toBe(201);
  });
});
