import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Chat, createChat } from "../../src/chat.ts";
import type { ChatOptions } from "../../src/chat-options.ts";
import type { Proof } from "../../src/access/authenticate.ts";
import { during, type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, fakeSocket, until } from "../support/fake-socket.ts";
import { temporaryFolder } from "../support/server.ts";

const folder = temporaryFolder();
const chats: { readonly chat: Chat; readonly clock: FakeClock }[] = [];
let files = 0;
afterEach(async () => {
  for (const { chat, clock } of chats.splice(0)) await during(clock, chat.close());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A chat with tokens of the form `user/tenant/end`, with the end counted from the start; and the requests to its `authenticate`. */
async function start({ clock = fakeClock(), ...options }: Partial<ChatOptions> & { readonly clock?: FakeClock } = {}) {
  const begun = clock.now();
  const asked: Request[] = [];
  const chat = createChat({
    database: { url: `file:${join(folder, `chat-${files++}.db`)}` },
    clock,
    limits: { heartbeatMs: 100_000_000 },
    authenticate(request) {
      asked.push(request);
      return proofOf(request, begun);
    },
    ...options,
  });
  chats.push({ chat, clock });
  await chat.ready();
  return { chat, clock, begun, asked };
}

function proofOf(request: Request, begun: number): Proof | null {
  const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  if (token === "broken") throw new Error("defect");
  const [user = "", tenant = "", end] = token.split("/");
  if (user === "" || tenant === "") return null;
  return { user, tenant, ...(end !== undefined && { expiresAt: begun + Number(end) }) };
}

async function connect(
  chat: Chat,
  token: string,
  url = "http://chat.example/chat/ws?device=phone&x=1",
): Promise<FakeSocket> {
  const headers = { upgrade: "websocket", connection: "Upgrade", authorization: `Bearer ${token}`, cookie: "a=b" };
  const admission = await chat.admit(new Request(url, { headers }));
  if (admission instanceof Response) throw new Error(`${admission.status}`);
  const socket = fakeSocket();
  socket.attach(chat.connect(socket.socket, admission));
  await until(() => socket.of("changes").some(({ more }) => !more));
  return socket;
}

/** The answer to a token. */
async function bring(socket: FakeSocket, token: string, id: string = crypto.randomUUID()) {
  socket.say({ type: "authenticate", token, id });
  const found = () => [...socket.of("authenticated"), ...socket.of("error")].find((frame) => frame.id === id);
  await until(() => found() !== undefined);
  return found();
}
const alice = "alice/acme/20000";

describe("a token on an open socket", () => {
  test("P53 moves the end of the session, again and again, and the answer says when it is", async () => {
    const { chat, clock, begun } = await start();
    const socket = await connect(chat, alice);
    for (let end = 30_000; end <= 100_000; end += 10_000) {
      expect(await bring(socket, `alice/acme/${end}`)).toMatchObject({ type: "authenticated", expiresAt: begun + end });
      await clock.advance(10_000);
      expect(socket.state.closed).toBeNull();
    }
    await clock.advance(19_900);
    expect(socket.state.closed).toBeNull();
    await clock.advance(200);
    expect(socket.state.closed?.code).toBe(4401);
  });

  test("P53 a session may come to end sooner, or no more by itself", async () => {
    const { chat, clock, begun } = await start();
    const [sooner, never] = [await connect(chat, alice), await connect(chat, alice)];
    expect(await bring(sooner, "alice/acme/5000")).toMatchObject({ expiresAt: begun + 5_000 });
    const answer = await bring(never, "alice/acme");
    expect(answer).toMatchObject({ type: "authenticated" });
    expect(answer).not.toHaveProperty("expiresAt");
    await clock.advance(6_000);
    expect(sooner.state.closed?.code).toBe(4401);
    await clock.advance(60_000);
    expect(never.state.closed).toBeNull();
  });

  const refused: [string, string, string][] = [
    ["that is nobody's", "nobody", "unauthenticated"],
    ["that has expired", "alice/acme/0", "unauthenticated"],
    ["of another user", "bob/acme/90000", "forbidden"],
    ["of another tenant", "alice/globex/90000", "forbidden"],
    ["about which the host throws", "broken", "unavailable"],
    ["about which the host answers nonsense", "(/acme", "internal"],
  ];
  for (const [name, token, code] of refused) {
    test(`P53 a token ${name} is answered ${code}, and the session stays as it was`, async () => {
      const { chat, clock } = await start();
      const socket = await connect(chat, alice);
      expect(await bring(socket, token)).toMatchObject({ type: "error", code });
      await clock.advance(19_900);
      expect(socket.state.closed).toBeNull();
      await clock.advance(200);
      expect(socket.state.closed?.code).toBe(4401);
    });
  }

  test("P53 the host sees a request to the same address with the token alone", async () => {
    const { chat, asked } = await start();
    const socket = await connect(chat, alice, "http://chat.example/chat/ws?device=phone&cursor=abcdefgh.1");
    await bring(socket, "alice/acme/30000");
    const { url, headers, method } = asked.at(-1) ?? new Request("http://nobody.example");
    expect([method, url]).toEqual(["GET", "http://chat.example/chat/ws"]);
    expect(headers.get("authorization")).toBe("Bearer alice/acme/30000");
    expect(headers.get("cookie")).toBeNull();
  });

  test("P53 a host that does not answer is `unavailable`, and then the next frames are handled", async () => {
    const clock: FakeClock = fakeClock();
    let isSilent = false;
    const { chat } = await start({
      clock,
      authenticate: () => (isSilent ? new Promise(() => {}) : { user: "alice" }),
      limits: { heartbeatMs: 100_000_000, hostAnswerMs: 1_000 },
    });
    const socket = await connect(chat, alice);
    isSilent = true;
    socket.say({ type: "authenticate", token: "t" });
    socket.say({ type: "ping", id: "p" });
    await clock.advance(900);
    expect(socket.of("pong")).toEqual([]);
    await clock.advance(200);
    await until(() => socket.of("pong").length === 1);
    expect(socket.of("error")).toMatchObject([{ code: "unavailable" }]);
  });

  test("H14 a token that comes after the end, or is proved after it, moves nothing", async () => {
    const clock: FakeClock = fakeClock();
    const end = clock.now() + 5_000;
    let prove = (_: Proof | null): void => {};
    let isOpening = true;
    const { chat } = await start({
      clock,
      authenticate: () =>
        isOpening ? { user: "alice", expiresAt: end } : new Promise<Proof | null>((resolve) => (prove = resolve)),
    });
    const socket = await connect(chat, alice);
    isOpening = false;
    socket.say({ type: "authenticate", token: "t" });
    await clock.advance(4_500);
    await clock.advance(600);
    prove({ user: "alice", expiresAt: end + 60_000 });
    await clock.advance(100);
    expect(socket.state.closed?.code).toBe(4401);
    expect(socket.of("authenticated")).toEqual([]);
  });

  test("A30 tokens are paid for: a client with too many waits, and loses nothing", async () => {
    const { chat, clock } = await start({ rates: { work: { user: { burst: 3_000, perS: 500 } } } });
    const socket = await connect(chat, "alice/acme");
    for (let i = 0; i < 20; i++) socket.say({ type: "authenticate", token: "alice/acme", id: String(i) });
    await clock.advance(100);
    const atOnce = socket.of("authenticated").length;
    expect(atOnce).toBeLessThan(7);
    for (let s = 0; s < 40; s++) await clock.advance(1_000);
    expect(socket.of("authenticated").map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    expect(socket.state.closed).toBeNull();
  });

  test("P53 a malformed frame is a bad one, and no message repeats its token", async () => {
    const { chat } = await start();
    const socket = await connect(chat, "alice/acme");
    for (const token of ["", "can ary", "canary\n", 7, "canary".repeat(2_000)])
      socket.say({ type: "authenticate", token });
    await until(() => socket.of("error").length === 5);
    for (const frame of socket.of("error")) {
      expect(frame.code).toBe("bad_frame");
      expect(JSON.stringify(frame)).not.toContain("ary");
    }
  });
});

describe("tickets", () => {
  test("H17 revalidate moves the end of a ticket's session as it opens a socket", async () => {
    let expiresAt = 0;
    const { chat, clock, begun } = await start({ revalidate: () => ({ expiresAt }) });
    const buy = async () => {
      const request = new Request("http://chat.example/tickets", {
        method: "POST",
        headers: { authorization: `Bearer ${alice}` },
      });
      return ((await (await chat.fetch(request)).json()) as { ticket: string }).ticket;
    };
    const open = async (ticket: string) => {
      const headers = { upgrade: "websocket", connection: "Upgrade" };
      return await chat.admit(new Request(`http://chat.example/ws?ticket=${ticket}`, { headers }));
    };
    expiresAt = begun + 90_000;
    expect(await open(await buy())).toMatchObject({
      session: { user: "alice", tenant: "acme", expiresAt: begun + 90_000 },
    });
    expiresAt = clock.now();
    expect(await open(await buy())).toMatchObject({ status: 401 });
    expiresAt = 1_780_000_600;
    expect(await open(await buy())).toMatchObject({ status: 503 });
  });
});
