import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Chat, ConversationQuery, MessageQuery } from "../src/chat-api.ts";
import { createChat } from "../src/chat.ts";
import { ChatError } from "../src/error.ts";
import { createEmbeddedEngine } from "../src/store/engine/embedded.ts";
import { getConversations, getMessages } from "./http/ask.ts";
import { temporaryFolder } from "./support/server.ts";
import { newId } from "./support/store.ts";

const folder = temporaryFolder();
const path = join(folder, "chat.db");
const ids: string[] = [];
let chat: Chat;
let conversation = "";

const open = (): Chat =>
  createChat({
    database: { url: `file:${path}` },
    authenticate: ({ url }) => ({ user: new URL(url).searchParams.get("user") ?? "" }),
  });

beforeAll(async () => {
  chat = open();
  for (let i = 0; i < 12; i++) {
    const id = newId();
    ids.push(id);
    const [from, to] = i % 3 === 0 ? ["bob", "alice"] : ["alice", "bob"];
    ({ conversation } = await chat.send({ id, from, to, text: `text ${i}` }));
  }
  for (const from of ["carol", "dave", "erin"]) await chat.send({ from, to: "alice", text: `hi from ${from}` });
});
afterAll(async () => {
  await chat.close();
  rmSync(folder, { recursive: true, force: true });
});

const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "answered",
    (error: unknown) => (error instanceof ChatError ? error.code : String(error)),
  );

/** Sealed texts differ each time. */
const withoutNext = ({ next, ...page }: { readonly next?: string }): object => ({
  ...page,
  goesOn: next !== undefined,
});

/** All pages of a query, by the host's door and over HTTP. */
async function bothWays(query: Omit<MessageQuery, "user">, address: string): Promise<readonly [object[], object[]]> {
  const answers = (request: Request): Promise<Response> => chat.fetch(request);
  const [mine, theirs]: [object[], object[]] = [[], []];
  let page = await chat.messages({ user: "alice", ...query });
  let { body } = await getMessages(answers, "alice", address);
  for (let i = 0; i < 20; i++) {
    mine.push(withoutNext(page));
    theirs.push(withoutNext(body));
    if (page.next === undefined || body.next === undefined) break;
    // Each door goes on with what the other one has answered.
    const [one, other] = [page.next, body.next];
    page = await chat.messages({ user: "alice", next: other });
    ({ body } = await getMessages(answers, "alice", `next=${one}`));
  }
  return [mine, theirs];
}

describe("reads from the server's own code", () => {
  const queries = (): readonly (readonly [Omit<MessageQuery, "user">, string])[] => [
    [{ with: "bob" }, "with=bob"],
    [{ with: "bob", limit: 5 }, "with=bob&limit=5"],
    [{ conversation, after: 0, limit: 5 }, `conversation=${conversation}&after=0&limit=5`],
    [{ with: "bob", before: 8, limit: 3 }, "with=bob&before=8&limit=3"],
    [{ with: "bob", around: 6, limit: 4 }, "with=bob&around=6&limit=4"],
    [{ ids: ids.slice(2, 5) }, `ids=${ids.slice(2, 5).join()}`],
    [{ ids: [ids[3]?.toUpperCase() ?? ""] }, `ids=${ids[3]}`],
    [{ from: "carol" }, "from=carol"],
    [{ since: 0, limit: 4 }, "since=0&limit=4"],
    [{ until: 1 }, "until=1"],
    // Without a selector: all messages of the user. Over HTTP: those that a device has not received.
    [{ limit: 4 }, "since=0&limit=4"],
  ];

  test("K64 messages are those of GET /messages for each selector, page by page, and one door goes on with the next of the other", async () => {
    for (const [query, address] of queries()) {
      const [mine, theirs] = await bothWays(query, address);
      expect(mine).toEqual(theirs);
    }
    const { messages } = await chat.messages({ user: "alice", with: "bob", after: 0 });
    expect(messages.map(({ id }) => id)).toEqual(ids);
    expect((await chat.messages({ user: "alice" })).messages.length).toBe(15);
  });

  test("K64 conversations are those of GET /conversations, page by page", async () => {
    const answers = (request: Request): Promise<Response> => chat.fetch(request);
    let query: Omit<ConversationQuery, "user"> = { limit: 3 };
    let address = "limit=3";
    const found: string[] = [];
    for (;;) {
      const page = await chat.conversations({ user: "alice", ...query });
      const { body } = await getConversations(answers, "alice", address);
      expect(withoutNext(page)).toEqual(withoutNext(body));
      found.push(...page.conversations.map((each) => each.with));
      if (page.next === undefined || body.next === undefined) break;
      query = { limit: 3, after: body.next };
      address = `limit=3&after=${page.next}`;
    }
    expect(found).toEqual(["erin", "dave", "carol", "bob"]);
    expect(await chat.conversations({ user: "nobody" })).toEqual({ conversations: [] });
    const { body } = await getConversations(answers, "alice", "with=bob");
    expect(body.conversations).toHaveLength(1);
    expect(withoutNext(await chat.conversations({ user: "alice", with: "bob" }))).toEqual(withoutNext(body));
  });

  test("K65 a tenant is a world of its own, and a conversation of others is not found", async () => {
    expect(await chat.messages({ user: "alice", tenant: "other", with: "bob" })).toMatchObject({ messages: [] });
    expect(await codeOf(chat.messages({ user: "carol", conversation }))).toBe("not_found");
    expect(await codeOf(chat.messages({ user: "alice", tenant: "other", conversation }))).toBe("not_found");
  });

  test("K65 a malformed, unknown or contradictory field is refused with the codes of the routes", async () => {
    const bad: readonly object[] = [
      {},
      { user: "no body" },
      { user: "alice", tenant: "" },
      { user: "alice", wiht: "bob" },
      { user: "alice", device: "phone" },
      { user: "alice", undelivered: true },
      { user: "alice", with: "bob", conversation },
      { user: "alice", with: null },
      { user: "alice", with: "bob", before: "3" },
      { user: "alice", with: "bob", before: 3, after: 1 },
      { user: "alice", before: 3 },
      { user: "alice", with: "bob", before: 0 },
      { user: "alice", since: 1.5 },
      { user: "alice", since: Number.NaN },
      { user: "alice", since: 2, until: 1 },
      { user: "alice", ids: [] },
      { user: "alice", ids: ["1"] },
      { user: "alice", ids: ids[0] },
      { user: "alice", ids: Array.from({ length: 101 }, newId) },
      { user: "alice", limit: 0 },
      { user: "alice", limit: 201 },
      { user: "alice", next: "x" },
      { user: "alice", next: "" },
    ];
    for (const query of bad)
      expect([query, await codeOf(chat.messages(query as MessageQuery))]).toEqual([query, "bad_request"]);
    for (const query of [
      {},
      { user: "alice", limit: 201 },
      { user: "alice", after: "x" },
      { user: "alice", before: 1 },
    ])
      expect(await codeOf(chat.conversations(query as ConversationQuery))).toBe("bad_request");
    expect(await codeOf(chat.messages({ user: "alice", limit: 200 }))).toBe("answered");
    // A `next` of a device's query is refused here.
    const { body } = await getMessages((request) => chat.fetch(request), "alice", "undelivered=true&from=bob&limit=1");
    expect(body.messages.length).toBe(1);
    expect(await codeOf(chat.messages({ user: "alice", next: body.next ?? "none" }))).toBe("bad_request");
    expect(body.next).toBeString();
  });

  test("K65 a read marks nothing, makes no device, and is refused while the chat shuts down", async () => {
    const own = join(folder, "own.db");
    const other = createChat({ database: { url: `file:${own}` }, authenticate: () => ({ user: "bob" }) });
    await other.send({ from: "alice", to: "bob", text: "hi" });
    const asked = [{ user: "bob" }, { user: "bob", with: "alice" }, { user: "bob", from: "alice" }];
    for (const query of asked) expect((await other.messages(query)).messages.length).toBe(1);
    const [bobs] = (await other.conversations({ user: "bob" })).conversations;
    expect(bobs).toMatchObject({ unread: 1, delivered: 0, read: 0, peer: { delivered: 0, read: 0 } });
    await other.close();
    expect(await codeOf(other.messages({ user: "bob" }))).toBe("unavailable");
    expect(await codeOf(other.conversations({ user: "bob" }))).toBe("unavailable");
    const engine = createEmbeddedEngine({ path: own });
    const [rows] = await engine.read([{ sql: "SELECT device FROM tidings_device" }]);
    expect(rows).toEqual([]);
    await engine.close();
  });
});
