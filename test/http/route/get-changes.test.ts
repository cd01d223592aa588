import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chat, createChat } from "../../../src/chat.ts";
import type { ChatOptions } from "../../../src/chat-options.ts";
import type { Call } from "../../../src/http/call.ts";
import { getChanges } from "../../../src/http/route/get-changes.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { during, fakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/fake-socket.ts";

type Frame = { readonly type: string } & Readonly<Record<string, unknown>>;
type Polled = { readonly status: number; readonly cursor: string; readonly frames: readonly Frame[] };

const folders: string[] = [];
const chats: Chat[] = [];
afterEach(async () => {
  await Promise.all(chats.splice(0).map((chat) => chat.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<ChatOptions> = {}): Promise<Chat> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-changes-"));
  folders.push(folder);
  const chat = createChat({
    database: { url: `file:${join(folder, "chat.db")}` },
    authenticate: ({ headers }) => ({ user: headers.get("x-user") ?? "" }),
    ...options,
  });
  chats.push(chat);
  await chat.ready();
  return chat;
}

const ask = (chat: Chat, user: string, path: string, init: RequestInit = {}): Promise<Response> =>
  chat.fetch(
    new Request(`http://localhost${path}`, {
      ...init,
      headers: { "x-user": user, "content-type": "application/json" },
    }),
  );

async function poll(chat: Chat, user: string, query = "", init: RequestInit = {}): Promise<Polled> {
  const response = await ask(chat, user, `/changes?device=phone${query}`, init);
  const body = (await response.json()) as Omit<Polled, "status">;
  return { ...body, status: response.status };
}

const textsOf = ({ frames }: Polled): readonly unknown[] =>
  frames.flatMap((frame) =>
    frame.type === "changes"
      ? (frame["changes"] as Frame[]).filter(({ kind }) => kind === "message").map(({ text }) => text)
      : [],
  );
const sizeOf = (chat: Chat, name: string): unknown => Reflect.get(chat.sizes() ?? {}, name);
const typesOf = ({ frames }: Polled): readonly string[] => frames.map(({ type }) => type);

describe("GET /changes", () => {
  test("Q80 answers the news behind the cursor at once, and nothing twice", async () => {
    const chat = await start();
    const first = await poll(chat, "alice", "&wait=0");
    expect([first.status, typesOf(first)]).toEqual([200, ["welcome", "changes"]]);
    for (const text of ["one", "two"]) await chat.send({ from: "bob", to: "alice", text });
    const news = await poll(chat, "alice", `&cursor=${first.cursor}`);
    expect(textsOf(news)).toEqual(["one", "two"]);
    expect(textsOf(await poll(chat, "alice", `&wait=0&cursor=${news.cursor}`))).toEqual([]);
    // A client that has lost the answer asks again with the earlier cursor.
    expect(textsOf(await poll(chat, "alice", `&wait=0&cursor=${first.cursor}`))).toEqual(["one", "two"]);
  });

  test("Q80 waits for news, and answers when they come; other devices and receipts too", async () => {
    const chat = await start();
    const { cursor } = await poll(chat, "alice", "&wait=0");
    const waiting = poll(chat, "alice", `&wait=60&cursor=${cursor}`);
    await until(() => sizeOf(chat, "joined") === 1);
    const { conversation } = await chat.send({ from: "alice", to: "bob", text: "mine" });
    const mine = await waiting;
    expect(textsOf(mine)).toEqual(["mine"]);
    const reading = poll(chat, "alice", `&wait=60&cursor=${mine.cursor}`);
    await until(() => sizeOf(chat, "joined") === 1);
    const body = JSON.stringify({ seq: 1 });
    expect((await ask(chat, "bob", `/conversations/${conversation}/read`, { method: "POST", body })).status).toBe(204);
    expect((await reading).frames.at(-1)).toMatchObject({ changes: [{ kind: "receipt", user: "bob", read: 1 }] });
  });

  test("Q81 answers after its time where nothing comes, and leaves nothing behind", async () => {
    const clock = fakeClock();
    const chat = await start({ clock });
    const waiting = poll(chat, "alice", "&wait=20");
    await until(() => sizeOf(chat, "joined") === 1);
    await clock.advance(19_000);
    expect(sizeOf(chat, "joined")).toBe(1);
    await clock.advance(2_000);
    expect(typesOf(await waiting)).toEqual(["welcome", "changes"]);
    expect(chat.sizes()).toMatchObject({ connections: 0, joined: 0, outboxBytes: 0 });
  });

  test("Q81 a request that is given up ends at once", async () => {
    const chat = await start();
    const gone = new AbortController();
    const waiting = poll(chat, "alice", "&wait=60", { signal: gone.signal });
    await until(() => sizeOf(chat, "joined") === 1);
    gone.abort();
    await waiting;
    await until(() => sizeOf(chat, "connections") === 0);
  });

  test("Q80 O6 its cursor acks: the sender hears that the messages were delivered", async () => {
    const chat = await start();
    const { cursor } = await poll(chat, "alice", "&wait=0");
    await chat.send({ from: "bob", to: "alice", text: "hi" });
    const news = await poll(chat, "alice", `&cursor=${cursor}`);
    const delivered = async () => {
      const { conversations } = (await (await ask(chat, "bob", "/conversations")).json()) as {
        conversations: { with: string; peer: { delivered: number } }[];
      };
      return conversations.find((each) => each.with === "alice")?.peer.delivered;
    };
    expect(await delivered()).toBe(0);
    await poll(chat, "alice", `&wait=0&cursor=${news.cursor}`);
    for (let i = 0; i < 500 && (await delivered()) === 0; i++) await Bun.sleep(2);
    expect(await delivered()).toBe(1);
  });

  test("Q80 more than one answer holds comes in several, in order and whole", async () => {
    const chat = await start();
    const { cursor } = await poll(chat, "alice", "&wait=0");
    const texts = Array.from({ length: 60 }, (_, i) => `${i} ${"x".repeat(12_000)}`);
    for (const text of texts) await chat.send({ from: "bob", to: "alice", text });
    const got: unknown[] = [];
    let [place, answers] = [cursor, 0];
    for (; got.length < texts.length && answers < 60; answers++) {
      const page = await poll(chat, "alice", `&wait=0&cursor=${place}`);
      got.push(...textsOf(page));
      place = page.cursor;
    }
    expect(got).toEqual(texts);
    expect(answers).toBeGreaterThan(2);
  });

  test("Q80 where the process has no memory for more, it answers the part that it has before its time is over", async () => {
    const clock = fakeClock();
    const chat = await start({ clock, limits: { outboxTotalBytesMax: 100_000 } });
    const { cursor } = await during(clock, poll(chat, "alice", "&wait=0"));
    const texts = Array.from({ length: 12 }, (_, i) => `${i} ${"x".repeat(12_000)}`);
    for (const text of texts) await during(clock, chat.send({ from: "bob", to: "alice", text }));
    const got: unknown[] = [];
    const before = clock.elapsed();
    for (let place = cursor; got.length < texts.length;) {
      const page = await during(clock, poll(chat, "alice", `&wait=60&cursor=${place}`));
      got.push(...textsOf(page));
      place = page.cursor;
    }
    expect(got).toEqual(texts);
    expect(clock.elapsed() - before).toBeLessThan(1_000);
  });

  test("Q80 a volatile frame alone does not end a request before the log was read, however slow the database is", async () => {
    const clock = fakeClock();
    let say = (_: object): void => {};
    const connect: Call["connect"] = (socket) => {
      say = (frame) => void socket.send(JSON.stringify(frame));
      return { receive() {}, drain() {}, pong() {}, closed() {} };
    };
    const request = new Request("http://localhost/changes?device=phone&wait=60");
    const session = { tenant: "default", user: "alice" };
    const call = { request, session, connect, clock, limits: defaultLimits, askedAt: 0 } as unknown as Call;
    let answered: Response | void | null = null;
    void Promise.resolve(getChanges.handle(call)).then((response) => (answered = response));
    say({ type: "welcome", cursor: "c0" });
    say({ type: "typing", conversation: "c1", user: "bob", typing: true });
    await clock.advance(5_000);
    expect(answered).toBeNull();
    say({ type: "changes", cursor: "c1", more: true, changes: [{ kind: "message", text: "one" }] });
    await clock.advance(1_000);
    expect(answered).not.toBeNull();
  });

  test("Q80 presence of watched users comes first as it is now, which is no news, and then as it changes", async () => {
    const chat = await start({ limits: { presenceGraceMs: 1 } });
    await chat.send({ from: "bob", to: "alice", text: "hi" });
    const { cursor, frames } = await poll(chat, "alice", "&wait=0&watch=bob");
    expect(frames.filter(({ type }) => type === "presence")).toMatchObject([{ user: "bob", state: "offline" }]);
    const waiting = poll(chat, "alice", `&wait=60&watch=bob&cursor=${cursor}`);
    await until(() => sizeOf(chat, "joined") === 1);
    const there = poll(chat, "bob", "&wait=60");
    // He has news of his own, so that his request may have ended by then.
    const online = expect.objectContaining({ type: "presence", user: "bob", state: "online" });
    expect((await waiting).frames).toContainEqual(online);
    await chat.disconnect({ user: "bob" });
    expect((await there).status).toBe(200);
  });

  test("Q80 a cursor of another history is answered with a reset, at once", async () => {
    const [one, other] = [await start(), await start()];
    await one.send({ from: "bob", to: "alice", text: "there" });
    await other.send({ from: "bob", to: "alice", text: "here" });
    const { cursor } = await poll(one, "alice", "&wait=0");
    const answer = await poll(other, "alice", `&wait=60&cursor=${cursor}`);
    expect(answer.frames).toMatchObject([{ type: "welcome" }, { type: "reset", reason: "epoch" }, { type: "changes" }]);
    expect(textsOf(await poll(other, "alice", `&wait=0&cursor=${answer.cursor}`))).toEqual([]);
  });

  test("Q80 T5 refusals: malformed parameters, no device, too many, a session that was ended", async () => {
    const chat = await start({ limits: { connectionsPerUserMax: 1 } });
    for (const query of [
      "",
      "?device=a%20b",
      "?device=a&wait=61",
      "?device=a&watch=a,,b",
      "?device=a&level=0",
      "?device=a&x=1",
    ])
      expect((await ask(chat, "alice", `/changes${query}`)).status).toBe(400);
    const waiting = ask(chat, "alice", "/changes?device=phone&wait=60");
    await until(() => sizeOf(chat, "joined") === 1);
    const full = await ask(chat, "alice", "/changes?device=other");
    expect([full.status, ((await full.json()) as { code: string }).code]).toEqual([429, "too_many_connections"]);
    await chat.disconnect({ user: "alice" });
    expect((await waiting).status).toBe(200);
  });
});
