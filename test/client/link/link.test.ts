import { describe, expect, test } from "bun:test";
import { fakeLink } from "./fake-environment.ts";

describe("the link", () => {
  test("J20 connects, passes frames on in order, and reports its status", async () => {
    const { link, socket, settle, calls, frames } = fakeLink();
    expect(link.send({ type: "ack", cursor: "c0" })).toBe(false);
    link.start();
    await settle();
    expect(socket().url.href).toBe("wss://app.example/chat/ws?device=d1&cursor=c0&level=1");
    expect(socket().protocols).toEqual(["tidings.v1"]);
    expect(link.send({ type: "ack", cursor: "c0" })).toBe(false);
    socket().welcome();
    for (const n of [1, 2, 3]) socket().say({ type: "novel", n });
    link.caughtUp();
    expect(frames).toEqual([1, 2, 3].map((n) => ({ type: "novel", n }) as never));
    expect(link.send({ type: "ack", cursor: "c1" })).toBe(true);
    expect(socket().sent).toEqual([{ type: "ack", cursor: "c1" } as never]);
    socket().drop(1006);
    link.close();
    const states = ["connecting", "welcome", "catching-up", "online socket", "down", "waiting network", "closed"];
    expect(calls).toEqual(states);
  });

  test("J20 that is started, stopped and started keeps one socket", async () => {
    const { link, openSockets, settle, sockets } = fakeLink();
    for (let i = 0; i < 5; i++) {
      link.start();
      link.start();
      await settle();
      expect(openSockets()).toHaveLength(1);
      link.stop();
      expect(openSockets()).toHaveLength(0);
    }
    expect(sockets).toHaveLength(5);
  });

  test("J20 a reader that throws is reported, and the next frame comes", async () => {
    const thrown = new Error("the reader");
    const { toOnline, socket, faults, frames } = fakeLink({
      onFrame: (frame) => {
        if (frame.type === "typing") throw thrown;
      },
    });
    await toOnline();
    socket().say({ type: "typing" });
    socket().say({ type: "presence" });
    expect(faults).toEqual([thrown]);
    expect(frames).toHaveLength(2);
  });

  test("J20 a report of faults that throws does not stop it", async () => {
    const { toOnline, socket, frames } = fakeLink({
      onFault: () => {
        throw new Error("the report");
      },
    });
    await toOnline();
    for (const text of ["{", '{"type":"typing"}']) socket().say(text);
    expect(frames).toHaveLength(1);
  });

  test("J20 calls from inside of an event are handled after it", async () => {
    const fake = fakeLink({ onFrame: () => fake.link.reconnect() });
    await fake.toOnline();
    const [first] = fake.sockets;
    first?.say({ type: "typing" });
    first?.say({ type: "typing" });
    await fake.settle();
    expect(fake.frames).toHaveLength(1);
    expect(fake.openSockets()).toHaveLength(1);
    expect(fake.calls.slice(-2)).toEqual(["down", "connecting"]);
  });

  test("J33 data that is no frame is reported and ignored", async () => {
    const { toOnline, socket, faults, frames } = fakeLink();
    await toOnline();
    for (const text of ["", "null", "[]", "7", "{}", '{"type":7}', "{", '"text"']) socket().say(text);
    socket().onmessage?.({ data: new ArrayBuffer(3) });
    expect(faults).toHaveLength(9);
    expect(frames).toEqual([]);
    socket().say({ type: "unknown" });
    expect(frames).toHaveLength(1);
  });

  test("J21 an ended socket is not listened to", async () => {
    const { toOnline, link, sockets, settle, frames, calls } = fakeLink();
    await toOnline();
    const [old] = sockets;
    const late = old?.onmessage;
    link.reconnect();
    await settle();
    const before = calls.length;
    late?.({ data: '{"type":"typing"}' });
    expect(old?.onclose).toBeNull();
    expect(frames).toEqual([]);
    expect(calls).toHaveLength(before);
  });

  test("J25 a runtime that refuses to open a socket is reported, and HTTP is asked", async () => {
    const fake = fakeLink();
    Object.assign(fake.environment, {
      connect: () => {
        throw new Error("The policy of this page forbids it");
      },
    });
    fake.link.start();
    await fake.settle();
    expect(fake.faults).toHaveLength(1);
    expect(fake.request()).toMatchObject({ method: "GET", path: "/chat/me" });
    await fake.request().answer(403, { code: "forbidden", detail: "The Origin is not allowed here" });
    expect(fake.calls.at(-1)).toBe("ended forbidden The Origin is not allowed here");
  });

  test("J25 where something else answers, the status says so, and one fault says where", async () => {
    const fake = fakeLink();
    fake.link.start();
    await fake.settle();
    for (let tries = 0; tries < 3; tries++) {
      fake.socket().drop(1006);
      await fake.settle();
      await fake.request().answer(200, "<!doctype html>");
      expect(fake.calls.at(-1)).toBe("waiting foreign");
      await fake.clock.advance(30_000);
    }
    expect(fake.faults).toHaveLength(1);
    expect(String(fake.faults[0])).toContain("https://app.example/chat");
    await fake.settle();
    fake.socket().welcome();
    fake.socket().drop(1006);
    await fake.clock.advance(30_000);
    fake.socket().drop(1006);
    await fake.settle();
    await fake.request().fail();
    await fake.clock.advance(30_000);
    fake.socket().drop(1006);
    await fake.settle();
    await fake.request().answer(200, "<!doctype html>");
    expect(fake.faults).toHaveLength(2);
  });

  test("J27 a sleep of the device shows by either clock", async () => {
    const { toOnline, clock, socket } = fakeLink();
    await toOnline();
    clock.freeze(3_600_000);
    await clock.advance(0);
    expect(socket().sent.map(({ type }) => type)).toEqual(["ping"]);
    socket().say({ type: "pong", id: socket().sent[0]?.id });
    await clock.advance(24_999);
    expect(socket().sent).toHaveLength(1);
    await clock.advance(1);
    expect(socket().sent).toHaveLength(2);
    await clock.advance(3_000);
    expect(socket().sent).toHaveLength(0);
  });

  test("J29 a hidden page sleeps after 60 s, and a message wakes it", async () => {
    const { toOnline, link, clock, socket, openSockets, happen, settle, calls } = fakeLink();
    await toOnline();
    const answer = async (ms: number): Promise<void> => {
      await clock.advance(ms);
      const { sent } = socket();
      socket().say({ type: "pong", id: sent.at(-1)?.id });
    };
    happen("hidden");
    await answer(25_000);
    expect(link.send({ type: "typing", to: "bob", typing: false })).toBe(true);
    for (let i = 0; i < 2; i++) await answer(25_000);
    link.send({ type: "ack", cursor: "c0" });
    await clock.advance(9_999);
    expect(openSockets()).toHaveLength(1);
    await clock.advance(1);
    expect(openSockets()).toHaveLength(0);
    expect(calls.at(-1)).toBe("asleep");
    expect(link.send({ type: "ack", cursor: "c0" })).toBe(false);
    await settle();
    expect(openSockets()).toHaveLength(0);
    expect(link.send({ type: "typing", to: "bob", typing: false })).toBe(false);
    await settle();
    expect(openSockets()).toHaveLength(1);
  });

  test("J20 after `close` it listens to nothing, and holds no timer", async () => {
    const { toOnline, link, clock, happen, listeners, calls, openSockets } = fakeLink();
    await toOnline();
    link.close();
    expect(listeners.size).toBe(0);
    happen("visible");
    link.start();
    link.retry();
    link.probe();
    await clock.advance(1_000_000);
    expect(openSockets()).toEqual([]);
    expect(calls.at(-1)).toBe("closed");
  });
});

describe("tickets and tokens", () => {
  const token = (value: string) => async () => ({ token: value });

  test("J22 a token is exchanged for a ticket, which the socket takes", async () => {
    const { link, settle, request, socket, sockets } = fakeLink({ authenticate: token("t1") });
    link.start();
    await settle();
    expect(request()).toMatchObject({ method: "POST", path: "/chat/tickets", token: "Bearer t1" });
    expect(sockets).toEqual([]);
    await request().answer(201, { ticket: "one-use", expiresAt: 1 });
    expect(socket().url.searchParams.get("ticket")).toBe("one-use");
    expect(socket().url.href).not.toContain("t1");
  });

  test("J22 parameters are added to each URL, and headers to each request", async () => {
    const authenticate = async () => ({ parameters: { user: "alice", tenant: "a b" }, headers: { "x-app": "1" } });
    const { link, settle, request, socket } = fakeLink({ authenticate });
    link.start();
    await settle();
    expect(request()).toMatchObject({ path: "/chat/tickets", query: { user: "alice", tenant: "a b" } });
    await request().answer(201, { ticket: "x" });
    expect(Object.fromEntries(socket().url.searchParams)).toMatchObject({ user: "alice", tenant: "a b", ticket: "x" });
  });

  test("J22 a ticket that comes late opens no socket", async () => {
    const { link, settle, request, sockets } = fakeLink({ authenticate: token("t1") });
    link.start();
    await settle();
    const late = request();
    link.stop();
    expect(late.isAborted()).toBe(true);
    await late.answer(201, { ticket: "x" });
    expect(sockets).toEqual([]);
  });

  test("J22 4401 and the 401 of requests lead to one request for credentials", async () => {
    const asked: string[] = [];
    const authenticate = async ({ reason, attempt }: { reason: string; attempt: number }) => {
      asked.push(`${reason} ${attempt}`);
      return { token: `t${asked.length}` };
    };
    const fake = fakeLink({ authenticate });
    fake.link.start();
    await fake.settle();
    await fake.request().answer(201, { ticket: "x" });
    fake.socket().welcome();
    fake.link.caughtUp();
    await fake.clock.advance(10_000);
    const answers: number[] = [];
    for (let i = 0; i < 3; i++)
      void fake.link.ask({ method: "GET", path: "/blocks" }).then(({ status }) => answers.push(status));
    await fake.settle();
    const old = fake.requests.slice(-3);
    fake.socket().drop(4401);
    for (const request of old) await request.answer(401, { code: "unauthenticated" });
    await fake.settle();
    expect(asked).toEqual(["start 1", "expired 1"]);
    expect(answers).toEqual([]);
    const again = fake.requests.filter(({ path, token: sent }) => path === "/chat/blocks" && sent === "Bearer t2");
    expect(again).toHaveLength(3);
    for (const request of again) await request.answer(200, {});
    expect(answers).toEqual([200, 200, 200]);
  });

  test("J30 the frame carries the fresh token", async () => {
    let count = 0;
    const fake = fakeLink({
      authenticate: async () => ({ token: `t${++count}`, expiresAt: fake.clock.now() + 90_000 }),
    });
    fake.link.start();
    await fake.settle();
    await fake.request().answer(201, { ticket: "x" });
    fake.socket().welcome();
    await fake.clock.advance(25_000);
    fake.socket().say({ type: "pong", id: fake.socket().sent[0]?.id });
    await fake.clock.advance(20_000);
    await fake.settle();
    expect(fake.socket().sent.at(-1)).toMatchObject({ type: "authenticate", token: "t2" });
  });

  test("J21 credentials that come late replace no newer ones", async () => {
    const late = Promise.withResolvers<{ token: string }>();
    let asked = 0;
    const fake = fakeLink({ authenticate: async () => (asked++ === 0 ? await late.promise : { token: "new" }) });
    fake.link.start();
    await fake.clock.advance(31_000);
    late.resolve({ token: "late" });
    await fake.settle();
    fake.link.reconnect();
    await fake.settle();
    expect(fake.request()).toMatchObject({ path: "/chat/tickets", token: "Bearer new" });
  });

  test("J22 an app that returns nothing has no signed-in user", async () => {
    const { link, settle, calls } = fakeLink({ authenticate: async () => undefined as never });
    link.start();
    await settle();
    expect(calls.at(-1)).toBe("unauthenticated signed-out");
  });

  test("J22 a request for credentials that takes 30 s is aborted, and its late answer is not used", async () => {
    const signals: AbortSignal[] = [];
    const late = Promise.withResolvers<{ token: string }>();
    const fake = fakeLink({
      authenticate: async ({ signal }) => {
        signals.push(signal);
        return await late.promise;
      },
    });
    fake.link.start();
    await fake.clock.advance(30_000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(fake.calls.at(-1)).toBe("waiting network");
    late.resolve({ token: "late" });
    await fake.settle();
    expect(fake.requests).toEqual([]);
  });
});
