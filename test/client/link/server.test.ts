import { afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";
import { bun } from "../../../src/adapter/bun.ts";
import { createChat } from "../../../src/chat.ts";
import type { Status } from "../../../src/client/api.ts";
import type { Answer, Frame, Position } from "../../../src/client/link/contract.ts";
import { createLink, type LinkOptions } from "../../../src/client/link/link.ts";
import { runtimeEnvironment } from "../../../src/client/runtime.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/fake-socket.ts";
import { startLink } from "../../support/link.ts";
import { startServer, temporaryFolder } from "../../support/server.ts";
import { newId } from "../../support/store.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A link over real sockets. The test moves its clock. It acks everything. */
function open(url: string, options: Partial<LinkOptions> = {}) {
  const clock = fakeClock();
  const user = options.user ?? "alice";
  const statuses: Status[] = [];
  const frames: Frame[] = [];
  const sockets: string[] = [];
  const position: { cursor: string | null } & Pick<Position, "device" | "level"> = {
    device: "d1",
    cursor: null,
    level: 1,
  };
  const runtime = runtimeEnvironment();
  const link = createLink(
    {
      environment: {
        ...runtime,
        clock,
        connect(to, protocols) {
          sockets.push(to);
          return runtime.connect(to, protocols);
        },
      },
      url: url.replace(/^ws/, "http"),
      user,
      tenant: "default",
      authenticate: async () => ({ parameters: { user } }),
      onFault: (fault) => void faults.push(fault),
      ...options,
    },
    {
      onConnect: (begin) => begin({ ...position }),
      onWelcome: () => {},
      onFrame(frame) {
        frames.push(frame);
        if (frame.type !== "changes" && frame.type !== "reset") return;
        position.cursor = frame.cursor;
        link.send({ type: "ack", cursor: frame.cursor });
        if (frame.type === "changes" && !frame.more) link.caughtUp();
      },
      onDown: () => {},
      onStatus: (status) => void statuses.push(status),
    },
  );
  const faults: unknown[] = [];
  ends.push(() => link.close());
  const status = (): Status => statuses.at(-1) ?? { state: "idle" };
  /** Waiting times, which are fractions of milliseconds, pass until the link is in this state. */
  const reach = (state: Status["state"]): Promise<void> =>
    until(async () => {
      const present = status();
      if (present.state === state) return true;
      if (present.state === "waiting") await clock.advance(Math.max(0, Math.ceil(present.until - clock.now())) + 1);
      return false;
    }, `${user} ${state}`);
  const texts = (): string[] =>
    frames.flatMap((frame) =>
      frame.type === "changes" ? frame.changes.flatMap((one) => (one.kind === "message" ? [one.text] : [])) : [],
    );
  async function say(to: string, text: string): Promise<Frame> {
    const id = newId();
    expect(link.send({ type: "send", id, to, text })).toBe(true);
    const isAnswer = (frame: Frame): boolean => "id" in frame && frame.id === id;
    await until(() => frames.some(isAnswer), "an answer to a send");
    return frames.find(isAnswer) as Frame;
  }
  return { link, clock, statuses, frames, faults, sockets, status, reach, texts, say, ask: link.ask };
}

/** Passes HTTP on, and answers each upgrade as a plain request. */
function startStripper(port: number): string {
  const proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const body = request.method === "POST" ? await request.text() : null;
      const headers = { host: `127.0.0.1:${port}`, "content-type": request.headers.get("content-type") ?? "" };
      return await fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
        method: request.method,
        headers,
        body,
        signal: request.signal,
      });
    },
  });
  ends.push(() => proxy.stop(true));
  return `http://127.0.0.1:${proxy.port}`;
}

async function start(options: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer(options);
  ends.push(() => server.dispose());
  return server;
}

/** A chat in this process, for which a test names the bearer tokens. */
async function startChat(users: ReadonlyMap<string, string>) {
  const folder = temporaryFolder();
  const chat = createChat({
    database: { url: `file:${join(folder, "chat.db")}` },
    authenticate(request) {
      const user = users.get(request.headers.get("authorization")?.replace("Bearer ", "") ?? "");
      return user === undefined ? null : { user };
    },
  });
  await chat.ready();
  const served = Bun.serve(bun(chat, { port: 0, hostname: "127.0.0.1" }));
  ends.push(async () => {
    await chat.close();
    await served.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });
  return { chat, url: `http://127.0.0.1:${served.port}` };
}

describe("the link to a real server", () => {
  test("J20 comes online, carries messages both ways, and asks over HTTP", async () => {
    const { url } = await start();
    const [alice, bob] = [open(url), open(url, { user: "bob" })];
    for (const one of [alice, bob]) one.link.start();
    for (const one of [alice, bob]) await one.reach("online");
    expect(await alice.say("bob", "hi")).toMatchObject({ type: "accepted", duplicate: false });
    await until(() => bob.texts().includes("hi"));
    expect(await bob.ask({ method: "GET", path: "/conversations?limit=5" })).toMatchObject({
      ok: true,
      body: { conversations: [{ with: "alice", unread: 1 }] },
    });
    expect(await bob.ask({ method: "GET", path: "/conversations?limit=0" })).toMatchObject({
      ok: false,
      status: 400,
      code: "bad_request",
      retry: false,
    });
    expect([...alice.faults, ...bob.faults]).toEqual([]);
  });

  test("J24 is back after a restart, with the changes that came meanwhile", async () => {
    const server = await start();
    const { port, dir, url } = server;
    const [alice, bob] = [open(url), open(url, { user: "bob" })];
    for (const one of [alice, bob]) {
      one.link.start();
      await one.reach("online");
    }
    await server.stop();
    await until(() => alice.status().state !== "online");
    bob.link.stop();
    await start({ port, dir });
    await alice.reach("online");
    await alice.say("bob", "after the restart");
    bob.link.start();
    await bob.reach("online");
    await until(() => bob.texts().includes("after the restart"));
  });

  test("J27 a network that swallows everything shows within a heartbeat and 3 s", async () => {
    const { port } = await start();
    const wire = await startLink(port);
    ends.push(() => wire.stop());
    const alice = open(`http://127.0.0.1:${wire.port}`);
    alice.link.start();
    await alice.reach("online");
    wire.lose();
    await alice.clock.advance(28_000);
    expect(alice.status().state).not.toBe("online");
    wire.mend();
    // The try that began meanwhile is lost too.
    await until(async () => {
      await alice.clock.advance(1_000);
      return alice.status().state === "online";
    });
  });

  test("J22 exchanges a JWT for a ticket, and ends after three that are refused", async () => {
    const secret = "a secret of 32 bytes, or of more";
    const { url } = await start({ env: { AUTH: "jwt", JWT_SECRET: secret } });
    const sign = async (key: string): Promise<string> =>
      await new SignJWT({})
        .setProtectedHeader({ alg: "HS256" })
        .setSubject("alice")
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(key));
    const token = await sign(secret);
    const alice = open(url, { authenticate: async () => ({ token }) });
    alice.link.start();
    await alice.reach("online");
    expect(alice.sockets.join(" ")).toMatch(/ticket=/);
    expect(alice.sockets.join(" ")).not.toContain(token);

    let asked = 0;
    const mallory = open(url, {
      async authenticate() {
        asked++;
        return { token: await sign("another secret of 32 bytes, or more") };
      },
    });
    mallory.link.start();
    await mallory.reach("unauthenticated");
    expect(mallory.status()).toEqual({ state: "unauthenticated", reason: "refused" });
    expect(asked).toBe(3);
    expect(mallory.sockets).toEqual([]);
  });

  test("J22 a session that is revoked is continued with fresh credentials, over the socket and HTTP alike", async () => {
    const users = new Map([["t1", "alice"]]);
    const { chat, url } = await startChat(users);
    let asked = 0;
    const alice = open(url, { authenticate: async () => ({ token: `t${++asked}` }) });
    alice.link.start();
    await alice.reach("online");
    await alice.clock.advance(10_000);
    users.clear();
    users.set("t2", "alice");
    await chat.disconnect({ user: "alice" });
    await until(() => asked === 2);
    const answers = await Promise.all([1, 2, 3].map(() => alice.ask({ method: "GET", path: "/blocks" })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await alice.reach("online");
    expect(asked).toBe(2);
  });

  test("J30 fresh credentials continue the session on the open socket", async () => {
    const users = new Map([
      ["t1", "alice"],
      ["t2", "alice"],
    ]);
    const { url } = await startChat(users);
    let asked = 0;
    const alice = open(url, {
      authenticate: async () => ({ token: `t${++asked}`, expiresAt: alice.clock.now() + 62_000 }),
    });
    alice.link.start();
    await alice.reach("online");
    // No further than its ping.
    await alice.clock.advance(24_000);
    alice.link.probe();
    await alice.say("bob", "a round trip");
    await alice.clock.advance(7_000);
    await until(() => asked === 2);
    await alice.say("bob", "another");
    expect(alice.sockets).toHaveLength(1);
    expect(alice.status().state).toBe("online");
  });

  test("J31 another user than its own is neither greeted nor shown", async () => {
    const { url } = await start();
    const alice = open(url, { authenticate: async () => ({ parameters: { user: "bob" } }) });
    alice.link.start();
    await alice.reach("unauthenticated");
    expect(alice.status()).toEqual({ state: "unauthenticated", reason: "identity" });
    expect(alice.frames).toEqual([]);
  });

  test("J31 nor is what HTTP answers for another user, whose cookie came after the greeting", async () => {
    const { url } = await start();
    const cookie = { user: "alice" };
    const alice = open(url, { authenticate: async () => ({ parameters: cookie }) });
    const asked = (): Promise<Answer> => alice.link.ask({ method: "GET", path: "/conversations" });
    alice.link.start();
    await alice.reach("online");
    expect(await asked()).toMatchObject({ ok: true });
    cookie.user = "bob";
    expect(await asked()).toMatchObject({ ok: false, code: "unauthenticated", message: "identity" });
    expect(alice.status()).toEqual({ state: "unauthenticated", reason: "identity" });
  });

  test("J31 nothing is written as another user, whose cookie came after the greeting", async () => {
    const { url } = await start();
    const cookie = { user: "alice" };
    const alice = open(url, { authenticate: async () => ({ parameters: cookie }) });
    alice.link.start();
    await alice.reach("online");
    cookie.user = "carol";
    expect(await alice.ask({ method: "PUT", path: "/blocks/bob" })).toMatchObject({
      ok: false,
      code: "unauthenticated",
      message: "identity",
    });
    expect(alice.status()).toEqual({ state: "unauthenticated", reason: "identity" });
    expect(await (await fetch(`${url.replace(/^ws/, "http")}/blocks?user=carol`)).json()).toMatchObject({ blocks: [] });
  });

  test("J24 a ban, and an origin that is not allowed, end it", async () => {
    const served = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, own) => (own.upgrade(request) ? undefined : new Response(null, { status: 404 })),
      websocket: { open: (socket) => socket.close(4501, "spam"), message: () => {} },
    });
    ends.push(() => served.stop(true));
    const alice = open(`http://127.0.0.1:${served.port}`);
    alice.link.start();
    await alice.reach("ended");
    expect(alice.status()).toEqual({ state: "ended", code: "banned", reason: "spam" });

    const { url } = await start();
    const evil = open(url, {
      authenticate: async () => ({ parameters: { user: "alice" }, headers: { origin: "https://evil.example" } }),
    });
    evil.link.start();
    await evil.reach("ended");
    expect(evil.status()).toMatchObject({ state: "ended", code: "forbidden" });
  });
});

describe("a proxy that strips the upgrade", () => {
  test("J26 leaves HTTP: the same frames, sends, acks and reads", async () => {
    const { port, url } = await start();
    const alice = open(startStripper(port));
    const bob = open(url, { user: "bob" });
    bob.link.start();
    await bob.reach("online");
    alice.link.start();
    await alice.reach("online");
    expect(alice.status()).toEqual({ state: "online", transport: "polling" });
    expect(await alice.say("bob", "by HTTP")).toMatchObject({ type: "accepted", seq: 1, duplicate: false });
    await until(() => bob.texts().includes("by HTTP"));
    for (const text of ["1", "2", "3"]) await bob.say("alice", text);
    await until(async () => {
      // The pause between two requests, in small steps: a request under way must not reach its time limit.
      await alice.clock.advance(5);
      return alice.texts().length === 4;
    });
    expect(alice.texts()).toEqual(["by HTTP", "1", "2", "3"]);
    const marks = (): unknown[] =>
      bob.frames.flatMap((frame) =>
        frame.type === "changes"
          ? frame.changes.flatMap((one) => (one.kind === "receipt" && one.user === "alice" ? [one] : []))
          : [],
      );
    await until(async () => {
      await alice.clock.advance(5);
      return marks().some((one) => (one as { delivered: number }).delivered === 4);
    });
    const { conversation } = marks()[0] as { conversation: string };
    alice.link.send({ type: "read", conversation, seq: 4 });
    await until(() => marks().some((one) => (one as { read: number }).read === 4));
    alice.link.send({ type: "watch", users: ["bob"] });
    await until(async () => {
      await alice.clock.advance(5);
      return alice.frames.some(
        (frame) => frame.type === "presence" && frame.user === "bob" && frame.state === "online",
      );
    });
    expect(alice.faults).toEqual([]);
  });
});
