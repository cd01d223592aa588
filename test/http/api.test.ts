import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import { mount } from "hono/mount";
import { bun } from "../../src/adapter/bun.ts";
import { createChat } from "../../src/chat.ts";
import { demo } from "../../src/access/demo.ts";
import { openEngine } from "../../src/store/engine/open.ts";
import { plant } from "../plants/index.ts";
import { startAltered } from "../support/alteration.ts";
import { endClients, hasReceipt, hasText, join as joinAs } from "../support/client.ts";
import { type RunningServer, startServer, temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";
import { type Answers, ask, getConversations, getMessages, serverAt } from "./ask.ts";

const origin = "https://app.example";
let server: RunningServer;
let api: Answers;
let people = 0;
beforeAll(async () => {
  server = await startServer({ env: { ORIGINS: origin } });
  api = serverAt(server.port);
});
afterAll(async () => {
  endClients();
  await server.dispose();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

type Place = { readonly id: string; readonly conversation: string; readonly seq: number; readonly duplicate: boolean };
type Texts = { readonly messages: readonly { readonly text: string }[] };

const folders: string[] = [];
const newFile = (): string => {
  const folder = temporaryFolder();
  folders.push(folder);
  return join(folder, "chat.db");
};

/** Two users that no other test uses. */
const pair = (): readonly [string, string] => [`alice${people}`, `bob${people++}`];
const send = (from: string, to: string, text = "hi", id = newId()) =>
  ask<Place>(api, from, "/messages", { body: { id, to, text } });
const textsOf = ({ messages }: { messages: readonly { text: string }[] }) => messages.map(({ text }) => text);
const codeOf = (body: object): unknown => Reflect.get(body, "code");

describe("POST /messages", () => {
  test("Q1 answers 201 with the place, 200 with the first answer for a retry, over HTTP and the socket alike", async () => {
    const [alice, bob] = pair();
    const id = newId();
    const first = await send(alice, bob, "hi", id);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      id,
      conversation: expect.any(String),
      seq: 1,
      time: expect.any(Number),
      duplicate: false,
    } as object as Place);
    const again = await send(alice, bob, "hi", id);
    expect([again.status, again.body]).toEqual([200, { ...first.body, duplicate: true }]);
    const { conversation } = first.body;
    const byPlace = await ask(api, alice, "/messages", { body: { id, conversation, text: "hi" } });
    expect([byPlace.status, byPlace.body]).toEqual([200, { ...first.body, duplicate: true }]);
    const client = await joinAs(server.url, { user: alice });
    expect(await client.sendOk({ to: bob }, "hi", id)).toMatchObject({ seq: 1, duplicate: true });
  });

  test("Q1 a message over HTTP reaches every device of both, the sender's own too", async () => {
    const [alice, bob] = pair();
    const [mine, theirs] = await Promise.all([joinAs(server.url, { user: alice }), joinAs(server.url, { user: bob })]);
    await send(alice, bob, "over HTTP");
    for (const client of [mine, theirs]) {
      await client.next(hasText("over HTTP"));
      expect(client.messages()).toMatchObject([{ from: alice, to: bob, text: "over HTTP", seq: 1 }]);
    }
  });

  test("P90 Q2 a message to oneself is answered 201 and listed; the undelivered list leaves it out, and a device that was away gets it as a change", async () => {
    const [alice, bob] = pair();
    const path = "/messages?device=phone";
    const before = (await ask<{ cursor: string }>(api, alice, path)).body.cursor;
    const first = await send(alice, alice, "note");
    const { id, conversation } = first.body;
    expect([first.status, (await send(alice, alice, "note", id)).status]).toEqual([201, 200]);
    await send(bob, alice, "from another user");
    const listOf = async (query: string) =>
      (await ask<{ conversations: object[] }>(api, alice, `/conversations${query}`)).body.conversations;
    const listed = { id: conversation, with: alice, unread: 0, peer: { delivered: 0, read: 0 } };
    expect(await listOf(`?with=${alice}`)).toMatchObject([listed]);
    expect(await listOf("")).toMatchObject([{ with: bob, unread: 1 }, listed]);
    expect(textsOf((await ask<Texts>(api, alice, `/messages?with=${alice}`)).body)).toEqual(["note"]);
    const page = (await ask<Texts & { cursor: string }>(api, alice, path)).body;
    expect(textsOf(page)).toEqual(["from another user"]);
    await ask(api, alice, "/ack", { body: { device: "phone", cursor: page.cursor } });
    const phone = await joinAs(server.url, { user: alice, device: "phone" });
    expect(phone.messages().map(({ text }) => text)).toEqual(["note", "from another user"]);
    const laptop = await joinAs(server.url, { user: alice, device: "laptop", cursor: before });
    expect(laptop.messages().map(({ text }) => text)).toEqual(["note", "from another user"]);
  });

  test("Q1 refusals have the codes of the socket's", async () => {
    const [alice, bob] = pair();
    const { conversation } = (await send(alice, bob)).body;
    const id = newId();
    await send(alice, bob, "one", id);
    const refused = async (body: object) => {
      const { status, body: answer } = await ask(api, alice, "/messages", { body });
      return [status, codeOf(answer)];
    };
    expect(await refused({ id, to: bob, text: "other" })).toEqual([409, "conflict"]);
    expect(await refused({ id: newId(), to: bob, text: "x".repeat(16_385) })).toEqual([413, "too_large"]);
    expect((await send(alice, bob, "x".repeat(16_384))).status).toBe(201);
    for (const to of ["no body", "zoë", ""])
      expect(await refused({ id: newId(), to, text: "hi" })).toEqual([400, "invalid_recipient"]);
    for (const place of ["c1", "nonsense"])
      expect(await refused({ id: newId(), conversation: place, text: "hi" })).toEqual([404, "not_found"]);
    const stranger = await ask(api, "carol", "/messages", { body: { id: newId(), conversation, text: "hi" } });
    const nobody = await ask(api, "carol", "/messages", { body: { id: newId(), conversation: "c1", text: "hi" } });
    expect([stranger.status, stranger.text]).toEqual([404, nobody.text]);
    for (const body of [
      { id, text: "hi" },
      { id, to: bob, conversation, text: "hi" },
      { id: id.replaceAll("-", ""), to: bob, text: "hi" },
      { id: newId(), to: bob },
      { id: newId(), to: bob, text: "" },
      { id: newId(), to: bob, text: 7 },
      { id: newId(), conversation: "", text: "hi" },
    ])
      expect(await refused(body)).toEqual([400, "bad_request"]);
  });

  test("P72 a message id in upper case is the same id at every route", async () => {
    const [alice, bob] = pair();
    const id = newId();
    const upper = id.toUpperCase();
    const first = await ask<{ conversation: string }>(api, alice, "/messages", {
      body: { id: upper, to: bob, text: "hi" },
    });
    expect([first.status, first.body]).toMatchObject([201, { id: upper, seq: 1, duplicate: false }]);
    const again = await ask(api, alice, "/messages", { body: { id, to: bob, text: "hi" } });
    expect([again.status, again.body]).toMatchObject([200, { id, seq: 1, duplicate: true }]);
    const found = await ask<{ messages: { id: string }[] }>(api, bob, `/messages?ids=${upper},${id}`);
    expect(found.body.messages.map((message) => message.id)).toEqual([id]);
    const read = { method: "POST", body: { seq: 1, id: upper } };
    expect((await ask(api, bob, `/conversations/${first.body.conversation}/read`, read)).status).toBe(204);
    const { body } = await ask<{ conversations: { read: number }[] }>(api, bob, "/conversations");
    expect(body.conversations.map((one) => one.read)).toEqual([1]);
    const why = await ask<{ messages: { id: string }[] }>(api, bob, `/push/explain?message=${upper}`);
    expect([why.status, why.body.messages.map((one) => one.id)]).toEqual([200, [id]]);
  });

  test("Q10 T2 a body is JSON of the right type and shape, and its bytes are counted", async () => {
    const [alice, bob] = pair();
    const body = { id: newId(), to: bob, text: "hi" };
    const status = async (sent: object | string | Uint8Array<ArrayBuffer>, type = "application/json") => {
      const answer = await ask(api, alice, "/messages", { body: sent, headers: { "content-type": type } });
      return [answer.status, codeOf(answer.body)];
    };
    const bad = [400, "bad_request"];
    const text = JSON.stringify(body);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
      expect(await status(body, type)).toEqual(bad);
    for (const wrong of ["", "null", "[]", "7", "{", `${text}x`, `\ufeff${text}`])
      expect(await status(wrong)).toEqual(bad);
    for (const field of ["from", "tenant", "time", "seq", "type", "__proto__", "constructor"])
      expect(await status(`{"${field}":1,${text.slice(1)}`)).toEqual(bad);
    for (const spoilt of ["\\u0000", "\\ud800"]) expect(await status(text.replace("hi", `a${spoilt}b`))).toEqual(bad);
    expect(await status(new Uint8Array([...new TextEncoder().encode(text.slice(0, -2)), 0xff, 0x22, 0x7d]))).toEqual(
      bad,
    );
    expect(await status(text + " ".repeat(65_536 - text.length), "application/json; charset=utf-8")).toEqual([
      201,
      undefined,
    ]);
    expect(await status(text + " ".repeat(65_537 - text.length))).toEqual([413, "too_large"]);
    // Two bytes each: bytes are counted, not characters.
    expect(await status(text + "é".repeat(33_000))).toEqual([413, "too_large"]);
  });
});

describe("GET /messages", () => {
  test("Q2 a client that acks each page of the undelivered list and asks again gets everything once, in order", async () => {
    const [alice, bob] = pair();
    for (let i = 1; i <= 7; i++) await send(i === 4 ? bob : alice, i === 4 ? alice : bob, `m${i}`);
    const seen: string[] = [];
    const unread = (await getConversations(api, bob)).body.conversations[0]?.unread;
    for (let pages = 0; pages < 5; pages++) {
      const { body } = await getMessages(api, bob, "limit=2&device=phone");
      seen.push(...textsOf(body));
      expect(body.more).toEqual({ before: false, after: pages < 2 });
      expect(Object.keys(body).sort()).toEqual(["cursor", "messages", "more"]);
      expect((await ask(api, bob, "/ack", { body: { device: "phone", cursor: body.cursor } })).status).toBe(204);
      // Each ack is on disk when it is answered, and covers that page alone.
      expect((await getConversations(api, alice)).body.conversations[0]?.peer.delivered).toBe([2, 5, 7, 7, 7][pages]);
    }
    expect(seen).toEqual(["m1", "m2", "m3", "m5", "m6", "m7"]);
    expect([unread, (await getConversations(api, bob)).body.conversations[0]?.unread]).toEqual([6, 6]);
  });

  test("Q2 O8 reading marks nothing as delivered, and nothing of one device is another's", async () => {
    const [alice, bob] = pair();
    await send(alice, bob, "one");
    for (const device of ["phone", "phone", "laptop"])
      expect(textsOf((await getMessages(api, bob, `device=${device}`)).body)).toEqual(["one"]);
    expect((await getConversations(api, alice)).body.conversations[0]?.peer).toEqual({ delivered: 0, read: 0 });
    // A device that has asked once has its start: what another one acks afterwards is still waiting for it.
    const { cursor } = (await getMessages(api, bob, "device=phone")).body;
    await ask(api, bob, "/ack", { body: { device: "phone", cursor } });
    expect(textsOf((await getMessages(api, bob, "device=laptop")).body)).toEqual(["one"]);
    expect(textsOf((await getMessages(api, bob, "device=tablet")).body)).toEqual([]);
  });

  test("Q2 a message is the one that the socket's change is, field by field", async () => {
    const [alice, bob] = pair();
    await send(alice, bob, 'a "text" \n ü 😀');
    const client = await joinAs(server.url, { user: bob });
    const { messages } = (await getMessages(api, bob)).body;
    expect(client.messages()).toHaveLength(1);
    expect([...messages]).toEqual(client.messages());
  });

  test("Q5 an unknown, doubled, malformed or contradictory parameter is refused and named", async () => {
    const [alice, bob] = pair();
    const { conversation } = (await send(alice, bob)).body;
    const next = (await getMessages(api, alice, `with=${bob}&limit=1&from=${alice}`)).body.next ?? "";
    const wrong: readonly (readonly [string, string])[] = [
      ["unknown=1", "unknown"],
      ["limit=1&limit=1", "limit"],
      ...["0", "201", "-1", "1.5", "01", "1e1", "", "x"].map((limit) => [`limit=${limit}`, "limit"] as const),
      ...["before", "after", "around"].flatMap((name) => [
        [`${name}=1`, name] as const,
        [`with=${bob}&${name}=${name === "after" ? -1 : 0}`, name] as const,
        [`with=${bob}&${name}=9007199254740993`, name] as const,
        [`with=${bob}&${name}=1&ids=${newId()}`, name] as const,
      ]),
      [`with=${bob}&before=2&after=1`, "before"],
      [`with=${bob}&conversation=${conversation}`, "with"],
      ["with=no%20body", "with"],
      ["with=", "with"],
      ["conversation=", "conversation"],
      ["ids=", "ids"],
      ["ids=nonsense", "ids"],
      [`ids=${newId()},`, "ids"],
      [`ids=${Array.from({ length: 101 }, newId).join(",")}`, "ids"],
      ["from=%00", "from"],
      ["since=-1", "since"],
      ["until=soon", "until"],
      ["since=2&until=1", "until"],
      ["undelivered=false", "undelivered"],
      ["device=a%20b", "device"],
      ["next=nonsense", "next"],
      [`next=${next}x`, "next"],
      [`next=${btoa(JSON.stringify({ texts: { limit: "900" }, walk: {} }))}`, "next"],
      [`next=${btoa(JSON.stringify({ texts: {}, walk: { down: -1 } }))}`, "next"],
    ];
    for (const [query, name] of wrong) {
      const { status, body } = await ask<{ code: string; detail: string }>(api, alice, `/messages?${query}`);
      expect([query, status, body.code]).toEqual([query, 400, "bad_request"]);
      expect(body.detail).toMatch(new RegExp(`\\b${name}\\b`));
    }
    const { body } = await ask<{ detail: string }>(api, alice, "/messages?%3Cscript%3E=1");
    expect(body.detail).not.toContain("script");
    expect((await getMessages(api, "%2B249", "with=%2B1&since=0")).status).toBe(200);
  });

  test("Q37 after=0 begins at the first message, and next goes on to the last", async () => {
    const [alice, bob] = pair();
    for (const text of ["1", "2", "3"]) await send(alice, bob, text);
    const first = (await getMessages(api, bob, `with=${alice}&after=0&limit=2`)).body;
    expect([textsOf(first), first.more]).toEqual([["1", "2"], { before: false, after: true }]);
    const rest = (await getMessages(api, bob, `next=${first.next}`)).body;
    expect([textsOf(rest), rest.more.after, rest.next]).toEqual([["3"], false, undefined]);
    expect(textsOf((await getMessages(api, bob, `with=${alice}&after=0&next=${first.next}`)).body)).toEqual(["3"]);
    expect((await getMessages(api, bob, "with=nobody&after=0")).body.messages).toEqual([]);
  });

  test("Q6 T3 T4 others' conversations are as if there were none, on every route", async () => {
    const [alice, bob] = pair();
    const { conversation, id } = (await send(alice, bob, "secret")).body;
    const eve = `eve${people}`;
    await send(eve, `${alice}x`);
    const routes = (place: string): readonly (readonly [string, object?])[] => [
      [`/messages?conversation=${place}`],
      [`/messages?conversation=${place}&before=2`],
      [`/messages?conversation=${place}&ids=${id}`],
      [`/messages?conversation=${place}&undelivered=true&from=${alice}`],
      [`/conversations/${place}/read`, { seq: 1 }],
      ["/messages", { id: newId(), conversation: place, text: "hi" }],
    ];
    for (const [i, [path, body]] of routes(conversation).entries()) {
      const [other, otherBody] = routes("c1")[i] ?? [""];
      const [theirs, nobodys] = [
        await ask(api, eve, path, body ? { body } : {}),
        await ask(api, eve, other, otherBody ? { body: otherBody } : {}),
      ];
      expect([path, theirs.status, theirs.text]).toEqual([path, 404, nobodys.text]);
    }
    const empty = { messages: [], more: { before: false, after: false } };
    for (const query of [`with=${alice}`, "with=nobody", `ids=${id}`, `ids=${id}&with=${bob}`])
      expect((await getMessages(api, eve, query)).body).toEqual(empty);
    expect(textsOf((await getMessages(api, eve, "since=0")).body)).toEqual(["hi"]);
    expect((await getConversations(api, eve)).text).not.toContain(conversation);
    // Nor has any of it been marked.
    expect((await getConversations(api, bob)).body.conversations[0]).toMatchObject({ unread: 1, read: 0 });
  });

  test("Q3 finds every message under an id, of all its senders", async () => {
    const [alice, bob] = pair();
    const id = newId();
    await send(alice, bob, "mine", id);
    await send(bob, alice, "theirs", id);
    await send(bob, `${alice}x`, "somebody else's", newId());
    expect(textsOf((await getMessages(api, alice, `ids=${id},${newId()}`)).body)).toEqual(["mine", "theirs"]);
    expect(textsOf((await getMessages(api, alice, `ids=${id},${id}&from=${bob}`)).body)).toEqual(["theirs"]);
  });
});

describe("POST /ack", () => {
  test("Q7 it ignores another history, and refuses a text that is no cursor", async () => {
    const [alice, bob] = pair();
    await send(alice, bob, "one");
    const { cursor = "" } = (await getMessages(api, bob, "device=d")).body;
    const ack = (body: object) => ask(api, bob, "/ack", { body });
    expect((await ack({ device: "d", cursor: "zzzzzzzz.1" })).status).toBe(204);
    expect(textsOf((await getMessages(api, bob, "device=d")).body)).toEqual(["one"]);
    expect((await ack({ device: "d", cursor: "A".repeat(22) })).status).toBe(204);
    expect(textsOf((await getMessages(api, bob, "device=d")).body)).toEqual(["one"]);
    expect((await ack({ device: "d", cursor })).status).toBe(204);
    await send(alice, bob, "two");
    expect(textsOf((await getMessages(api, bob, "device=d")).body)).toEqual(["two"]);
    for (const body of [
      {},
      { cursor: "" },
      { cursor: "x" },
      { cursor, device: "a b" },
      { cursor, more: 1 },
      { cursor: 7 },
    ])
      expect(codeOf((await ack(body)).body)).toBe("bad_request");
    const client = await joinAs(server.url, { user: bob, device: "d" });
    // The list says nothing of the log: a socket goes on from where that was acked.
    expect(client.messages().map(({ text }) => text)).toEqual(["one", "two"]);
  });

  /** What bob's list says after kill -9 right behind the answers to a read and an ack. */
  async function marksAfterKill(own: RunningServer): Promise<object> {
    try {
      const there = serverAt(own.port);
      const say = (text: string) => ask<Place>(there, "alice", "/messages", { body: { id: newId(), to: "bob", text } });
      const { conversation } = (await say("one")).body;
      await say("two");
      const { cursor } = (await getMessages(there, "bob")).body;
      expect((await ask(there, "bob", `/conversations/${conversation}/read`, { body: { seq: 1 } })).status).toBe(204);
      expect((await ask(there, "bob", "/ack", { body: { cursor } })).status).toBe(204);
      await own.kill9();
      const again = await startServer({ dir: own.dir });
      try {
        const { delivered, read, unread } = (await getConversations(serverAt(again.port), "bob")).body
          .conversations[0] ?? { delivered: 0, read: 0, unread: 0 };
        const left = (await getMessages(serverAt(again.port), "bob")).body.messages.length;
        return { delivered, read, unread, left };
      } finally {
        await again.dispose();
      }
    } finally {
      await own.dispose();
    }
  }
  const whole = { delivered: 2, read: 1, unread: 1, left: 0 };

  test("Q7 Q9 acks and reads that were answered survive kill -9", async () => {
    expect(await marksAfterKill(await startServer())).toEqual(whole);
  });

  test("control: Q7 an ack that is answered before it is on disk is found", async () => {
    const alterations = plant("an ack is answered before it is on disk");
    expect(await marksAfterKill(await startAltered({ alterations }))).not.toEqual(whole);
  });
});

describe("conversations", () => {
  test("Q8 the list is by newest activity, and paging goes on when one moves to the top", async () => {
    const [alice] = pair();
    const peers = [1, 2, 3, 4, 5].map((i) => `${alice}-${i}`);
    for (const peer of peers) await send(alice, peer, `to ${peer}`);
    const first = (await getConversations(api, alice, "limit=2")).body;
    expect(first.conversations.map((one) => one.with)).toEqual([`${alice}-5`, `${alice}-4`]);
    await send(`${alice}-2`, alice, "back");
    const rest = (await getConversations(api, alice, `limit=3&after=${first.next}`)).body;
    expect(rest.conversations.map((one) => one.with)).toEqual([`${alice}-3`, `${alice}-1`]);
    expect(rest.next).toBeUndefined();
    const [top] = (await getConversations(api, alice)).body.conversations;
    expect(top).toMatchObject({ with: `${alice}-2`, kind: "direct", unread: 1, lastMessage: { text: "back", seq: 2 } });
    for (const query of ["after=", "after=0", "after=ABC", "limit=0", "limit=201", "before=1", "limit=1&limit=1"])
      expect(codeOf((await getConversations(api, alice, query)).body)).toBe("bad_request");
  });

  test("Q84 one conversation is as the list has it, by its id and by the other user", async () => {
    const [alice, bob] = pair();
    const others = [1, 2, 3].map((i) => `${alice}-${i}`);
    for (const [from, to] of [
      [bob, alice],
      [alice, bob],
      [bob, alice],
      [bob, alice],
    ] as const)
      await send(from, to, `from ${from}`);
    for (const other of others) await send(other, alice);
    const { conversations } = (await getConversations(api, alice)).body;
    const last = conversations.at(-1);
    await ask(api, alice, `/conversations/${last?.id}/read`, { body: { seq: 1 } });
    await ask(api, alice, `/blocks/${others[0]}`, { method: "PUT" });
    // Who looks at it, from either side, read or not, blocked or not.
    for (const user of [alice, bob, ...others])
      for (const listed of (await getConversations(api, user)).body.conversations) {
        const one = await ask(api, user, `/conversations/${listed.id}`);
        expect([one.status, one.body]).toEqual([200, listed]);
        expect((await getConversations(api, user, `with=${listed.with}`)).body).toEqual({ conversations: [listed] });
      }
    expect((await getConversations(api, alice, `with=${bob}`)).body.conversations[0]).toMatchObject({
      unread: 2,
      read: 1,
    });
  });

  test("Q84 T4 one of others and one that does not exist get the same answer", async () => {
    const [alice, bob] = pair();
    const { conversation } = (await send(alice, bob)).body;
    const answers = [];
    for (const id of [conversation, "c99", "nonsense", "%00"])
      answers.push(await ask(api, `${alice}-stranger`, `/conversations/${id}`));
    expect(answers.map(({ status, body }) => [status, codeOf(body)])).toEqual(answers.map(() => [404, "not_found"]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    for (const other of [bob, alice, "nobody"])
      expect((await getConversations(api, `${alice}-stranger`, `with=${other}`)).body).toEqual({ conversations: [] });
    for (const query of [`with=${bob}&limit=1`, `with=${bob}&after=x`, "with=", "with=no%20body"])
      expect(codeOf((await getConversations(api, alice, query)).body)).toBe("bad_request");
  });

  test("Q9 a read is clamped, reaches the other user, and lowers unread to the mark", async () => {
    const [alice, bob] = pair();
    const { conversation } = (await send(alice, bob, "1")).body;
    for (const [from, to] of [
      [bob, alice],
      [alice, bob],
      [alice, bob],
    ] as const)
      await send(from, to);
    const watching = await joinAs(server.url, { user: alice });
    const read = (seq: unknown) => ask(api, bob, `/conversations/${conversation}/read`, { body: { seq } });
    expect((await read(2)).status).toBe(204);
    expect((await getConversations(api, bob)).body.conversations[0]).toMatchObject({
      unread: 2,
      read: 1,
      delivered: 1,
    });
    expect((await read(99)).status).toBe(204);
    expect((await getConversations(api, bob)).body.conversations[0]).toMatchObject({
      unread: 0,
      read: 4,
      delivered: 4,
    });
    expect((await read(1)).status).toBe(204);
    expect((await getConversations(api, alice)).body.conversations[0]?.peer).toEqual({ delivered: 4, read: 4 });
    await watching.next(hasReceipt(bob, { read: 4 }));
    for (const seq of [-1, 1.5, "1", null, 2 ** 53]) expect((await read(seq)).status).toBe(400);
  });

  test("Q9 D30 a read that names its message is ignored where another one has the place", async () => {
    const [alice, bob] = pair();
    const { body: first } = await send(alice, bob, "1");
    const { body: second } = await send(alice, bob, "2");
    const read = (seq: number, id: unknown) =>
      ask(api, bob, `/conversations/${first.conversation}/read`, { body: { seq, id } });
    const readUpTo = async () => (await getConversations(api, bob)).body.conversations[0]?.read;
    expect((await read(2, first.id)).status).toBe(204);
    expect((await read(3, second.id)).status).toBe(204);
    expect(await readUpTo()).toBe(0);
    expect((await read(2, second.id)).status).toBe(204);
    expect(await readUpTo()).toBe(2);
    for (const id of ["", "x", 1, null]) expect((await read(2, id)).status).toBe(400);
  });
});

describe("every route", () => {
  const routes = [
    ["GET", "/messages", "GET, HEAD, POST, OPTIONS"],
    ["POST", "/messages", "GET, HEAD, POST, OPTIONS"],
    ["POST", "/ack", "POST, OPTIONS"],
    ["GET", "/conversations", "GET, HEAD, OPTIONS"],
    ["POST", "/conversations/c1/read", "POST, OPTIONS"],
  ] as const;

  test("Q11 other methods are answered 405 with Allow, other paths 404, and HEAD is GET without a body", async () => {
    for (const [, path, allow] of routes)
      for (const method of ["PUT", "DELETE", "PATCH", ...(allow.startsWith("POST") ? ["GET"] : [])]) {
        const { status, headers, body } = await ask(api, "alice", path, { method });
        expect([status, headers.get("allow"), codeOf(body)]).toEqual([405, allow, "method_not_allowed"]);
      }
    for (const path of [
      "/nothing",
      "/messages/1",
      "/conversations/c1",
      "/conversations/c1/messages",
      "/ack/x",
      "/x/messages",
    ])
      expect((await ask(api, "alice", path)).status).toBe(404);
    const head = await ask(api, "alice", "/messages?since=0", { method: "HEAD" });
    expect([head.status, head.text, head.headers.get("content-type")]).toEqual([200, "", "application/json"]);
    for (const path of ["/messages", "/conversations", "/nothing"])
      expect((await ask(api, "alice", path)).headers.get("cache-control")).toBe("no-store");
    expect((await ask(api, "alice", "/ws")).status).toBe(426);
  });

  test("Q12 only allowed origins get CORS headers, and a foreign one can change nothing", async () => {
    const headersOf = async (from: string, path = "/conversations", method = "GET") => {
      const preflight = method === "OPTIONS" ? { "access-control-request-method": "POST" } : {};
      const { status, headers } = await ask(api, "alice", path, { method, headers: { origin: from, ...preflight } });
      const named = ["origin", "credentials", "methods"].map((name) => headers.get(`access-control-allow-${name}`));
      return [status, ...named, headers.get("vary")];
    };
    expect(await headersOf(origin)).toEqual([200, origin, "true", null, "Origin"]);
    expect(await headersOf(origin, "/nothing")).toEqual([404, origin, "true", null, "Origin"]);
    expect(await headersOf(origin, "/messages", "OPTIONS")).toEqual([204, origin, "true", "GET, HEAD, POST", "Origin"]);
    for (const foreign of ["https://evil.example", `${origin}.evil.example`, "null", "*"]) {
      expect(await headersOf(foreign)).toEqual([200, null, null, null, "Origin"]);
      expect(await headersOf(foreign, "/messages", "OPTIONS")).toEqual([403, null, null, null, "Origin"]);
      for (const [method, path] of routes.filter(([method]) => method === "POST"))
        expect((await ask(api, "alice", path, { method, body: {}, headers: { origin: foreign } })).status).toBe(403);
    }
  });

  test("Q13 refuses requests without proof", async () => {
    for (const [method, path] of routes) {
      const response = await api(new Request(`http://localhost${path}`, { method }));
      expect([path, response.status, response.headers.get("www-authenticate")]).toEqual([path, 401, "Bearer"]);
    }
  });

  test("Q13 while the store is away, and in a shutdown, the answer is 503 with Retry-After", async () => {
    let isAway = false;
    const chat = createChat({
      database: {
        url: `file:${newFile()}`,
        open: (options) => {
          const engine = openEngine(options);
          const faulty =
            (call: typeof engine.read): typeof engine.read =>
            (list) =>
              isAway ? Promise.reject(new Error("away")) : call(list);
          return { ...engine, read: faulty(engine.read), write: faulty(engine.write) };
        },
      },
      authenticate: demo(),
    });
    await ask(chat.fetch, "alice", "/messages", { body: { id: newId(), to: "bob", text: "hi" } });
    const { conversations } = (await getConversations(chat.fetch, "alice")).body;
    const id = conversations[0]?.id ?? "";
    const { cursor } = (await getMessages(chat.fetch, "bob")).body;
    const calls: readonly (readonly [string, object?])[] = [
      ["/messages", { id: newId(), to: "alice", text: "hi" }],
      ["/messages"],
      ["/ack", { cursor }],
      ["/conversations"],
      [`/conversations/${id}/read`, { seq: 1 }],
    ];
    const all = async (): Promise<unknown[]> =>
      await Promise.all(
        calls.map(async ([path, body]) => {
          const answer = await ask(chat.fetch, "bob", path, body ? { body } : {});
          return [answer.status, codeOf(answer.body), answer.headers.has("retry-after")];
        }),
      );
    isAway = true;
    expect(await all()).toEqual(Array.from({ length: 5 }, () => [503, "unavailable", true]));
    isAway = false;
    await chat.close();
    expect(await all()).toEqual(Array.from({ length: 5 }, () => [503, "unavailable", true]));
  });

  test("Q14 mounted under a path it is the same, whether the mount cuts the path off, leaves it or says it", async () => {
    const open = (base?: string) =>
      createChat({
        database: { url: `file:${newFile()}` },
        authenticate: demo(),
        ...(base !== undefined && { base }),
      });
    const [anywhere, said, odd] = [open(), open("/app/chat"), open("/messages")];
    const hono = new Hono().all("/app/chat/*", mount(anywhere.fetch));
    const served = Bun.serve(bun(said, { port: 0 }));
    const mounts: readonly (readonly [Answers, string])[] = [
      [async (request) => await hono.fetch(request), "/app/chat"],
      [anywhere.fetch, "/app/chat"],
      [anywhere.fetch, ""],
      [serverAt(served.port ?? 0), "/app/chat"],
      [odd.fetch, "/messages"],
    ];
    for (const [answers, base] of mounts) {
      const { status, body } = await ask<Place>(answers, "alice", `${base}/messages`, {
        body: { id: newId(), to: "bob", text: "hi" },
      });
      expect(status).toBe(201);
      expect(
        (await ask(answers, "bob", `${base}/conversations/${body.conversation}/read`, { body: { seq: 1 } })).status,
      ).toBe(204);
      expect((await ask(answers, "bob", `${base}/nothing`)).status).toBe(404);
    }
    for (const [chat, path] of [
      [said, "/messages"],
      [said, "/app/chatmessages"],
      [odd, "/messages"],
    ] as const)
      expect((await ask(chat.fetch, "alice", path)).status).toBe(404);
    await served.stop(true);
    await Promise.all([anywhere, said, odd].map((chat) => chat.close()));
  });
});
