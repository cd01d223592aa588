import { describe, expect, test } from "bun:test";
import { createLimiter, doerOf } from "../../src/access/limiter.ts";
import { costs } from "../../src/protocol/costs.ts";
import { ratesOf } from "../../src/protocol/rates.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { accepted, newId } from "../support/store.ts";

describe("limiter", () => {
  const [alice, bob] = [doerOf({ tenant: "t", user: "alice" }), doerOf({ tenant: "t", user: "bob" })];
  const address = "192.0.2.1";

  test("A30 users and addresses pay apart, tenants too; a refusal for one is paid by neither", () => {
    const rates = ratesOf({ work: { user: { burst: 20, perS: 10 }, address: { burst: 30, perS: 10 } } });
    const limiter = createLimiter({ rates, clock: fakeClock() });
    expect([1, 2, 3].map(() => limiter.take({ ...alice, address }, 10) > 0)).toEqual([false, false, true]);
    // The third one took nothing from the address: it has one left.
    expect([1, 2].map(() => limiter.take({ ...bob, address }, 10) > 0)).toEqual([false, true]);
    expect(limiter.take(doerOf({ tenant: "other", user: "alice" }), 10)).toBe(0);
  });

  test("A30 messages may be counted beside their cost", () => {
    const limiter = createLimiter({ rates: ratesOf({ sends: { user: { burst: 2, perS: 1 } } }), clock: fakeClock() });
    expect([1, 2, 3].map(() => limiter.takeSend(alice, 50))).toEqual([0, 0, 1_000]);
    expect(limiter.take(alice, 50)).toBe(0);
  });

  test("R44 whatever something turns out to cost is owed, and is paid back with time", async () => {
    const clock = fakeClock(0, async () => {});
    const limiter = createLimiter({ rates: ratesOf({ work: { user: { burst: 100, perS: 10 } } }), clock });
    expect(limiter.take(alice, 100)).toBe(0);
    limiter.spend(alice, 50);
    expect(limiter.take(alice, 10)).toBe(6_000);
    await clock.advance(6_000);
    expect(limiter.take(alice, 10)).toBe(0);
    // More than a whole bucket is taken from a full one.
    await clock.advance(100_000);
    expect([limiter.take(alice, 250), limiter.take(alice, 10)]).toEqual([0, 16_000]);
  });

  test("R44 refusals are held back, and cost no more than a quarter of a second to pay back", async () => {
    const clock = fakeClock(0, async () => {});
    const limiter = createLimiter({ rates: ratesOf({ work: { user: { burst: 100, perS: 100 } } }), clock });
    limiter.take(alice, 100);
    let answered = 0;
    for (let i = 0; i < 50; i++) void limiter.payRefusal(alice, 30)?.then(() => answered++);
    await clock.advance(200);
    expect(answered).toBe(0);
    await clock.advance(100);
    expect(answered).toBe(50);
    expect(limiter.take(alice, 25)).toBeLessThan(250);
  });
});

describe("rates on a connection", () => {
  const answers = (socket: FakeSocket) =>
    socket.frames.flatMap((frame) =>
      frame.type === "accepted" ? ["accepted"] : frame.type === "rejected" ? [frame.code] : [],
    );
  const isLive = (socket: FakeSocket) => socket.of("changes").some(({ more }) => !more);
  const send = (socket: FakeSocket, text: string, id = newId()) => socket.say({ type: "send", id, to: "bob", text });

  test("A30 A31 O4 over the rate all sends are refused until the delay has passed; then they go on in order", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const chat = await startHub({
      clock,
      limits: { heartbeatMs: 100_000_000, headPollMs: 60_000 },
      rates: { sends: { user: { burst: 5, perS: 1 } } },
    });
    try {
      const [alice, carol] = [chat.connect("alice"), chat.connect("carol")];
      await until(() => isLive(alice) && isLive(carol));
      const ids = Array.from({ length: 8 }, () => newId());
      for (const [i, id] of ids.entries()) send(alice, `${i}`, id);
      await until(() => answers(alice).length === 8);
      expect(answers(alice)).toEqual([
        ...Array.from({ length: 5 }, () => "accepted"),
        ...Array.from({ length: 3 }, () => "rate_limited"),
      ]);
      for (const frame of alice.of("rejected")) {
        expect(frame).toMatchObject({ retry: "later" });
        expect(frame.retryAfterMs).toBeWithin(500, 1_001);
      }
      // Accepted messages stay accepted, and no other user is delayed.
      send(alice, "0", ids[0]);
      send(carol, "hi");
      await until(() => answers(alice).length === 9 && answers(carol).length === 1);
      expect([answers(alice)[8], answers(carol)[0]]).toEqual(["accepted", "accepted"]);
      await clock.advance(990);
      send(alice, "5", ids[5]);
      await until(() => answers(alice).length === 10);
      expect(answers(alice)[9]).toBe("rate_limited");
      await clock.advance(2_100);
      for (const i of [5, 6, 7]) send(alice, `${i}`, ids[i]);
      await until(() => answers(alice).length === 13);
      expect(answers(alice).slice(10)).toEqual(["accepted", "accepted", "accepted"]);
      expect(alice.of("accepted").map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 1, 6, 7, 8]);
    } finally {
      await chat.stop();
    }
  });

  const slow = { work: { user: { burst: 1_600, perS: 100 } } };

  test("R44 O9 frames that can wait do: none is lost, none is refused, nothing closes, and no other user waits", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const limits = { heartbeatMs: 100_000_000, headPollMs: 60_000, marksDelayMs: 1 };
    const chat = await startHub({ clock, limits, rates: slow });
    try {
      const bob = chat.connect("bob");
      await until(() => isLive(bob));
      for (let i = 0; i < 40; i++) await accepted(chat.store, { from: "bob", to: "alice", text: `${i}` });
      const alice = chat.connect("alice");
      await until(() => isLive(alice));
      const [conversation = ""] = alice.changes().flatMap((one) => (one.kind === "message" ? [one.conversation] : []));
      for (let seq = 1; seq <= 40; seq++) alice.say({ type: "read", conversation, seq });
      alice.say({ type: "ping", id: "last" });
      await clock.advance(1_000);
      expect(alice.of("pong")).toEqual([]);
      expect(alice.state.paused).toBe(true);
      bob.say({ type: "ping", id: "mine" });
      await until(() => bob.of("pong").length === 1);
      await clock.advance(60_000);
      await until(() => alice.of("pong").length === 1);
      const marks = () => bob.changes().flatMap((one) => (one.kind === "receipt" ? [one.read] : []));
      await clock.advance(1_000);
      await until(() => marks().includes(40));
      expect([alice.of("error"), alice.state.closed, alice.state.paused]).toEqual([[], null, false]);
    } finally {
      await chat.stop();
    }
  });

  test("P77 R44 typing for each key reaches the other user no faster than its sender's rate allows", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const limits = { heartbeatMs: 100_000_000, headPollMs: 60_000 };
    const burst = 1_600;
    const chat = await startHub({ clock, limits, rates: { work: { user: { burst, perS: costs.typing + 1 } } } });
    try {
      await accepted(chat.store, { from: "bob", to: "alice", text: "hi" });
      const [alice, bob] = [chat.connect("alice"), chat.connect("bob")];
      await until(() => isLive(alice) && isLive(bob));
      const keys = 200;
      for (let i = 0; i < keys; i++) alice.say({ type: "typing", to: "bob", typing: true });
      await clock.advance(20);
      const atOnce = bob.of("typing").length;
      expect(atOnce).toBeLessThan(burst / costs.typing + 1);
      bob.say({ type: "ping", id: "mine" });
      await until(() => bob.of("pong").length === 1);
      // One frame a second, as its rate allows.
      await clock.advance(30_000);
      expect(bob.of("typing").length - atOnce).toBeWithin(20, 32);
      expect(alice.state.closed).toBeNull();
    } finally {
      await chat.stop();
    }
  });

  /** How many of sixty messages to a user with this many connections are accepted. */
  async function acceptedTo(connections: number): Promise<number> {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const limits = { heartbeatMs: 100_000_000, headPollMs: 60_000 };
    const chat = await startHub({ clock, limits, rates: { work: { user: { burst: 40_000, perS: 1 } } } });
    try {
      const bobs = Array.from({ length: connections }, (_, i) => chat.connect("bob", { device: `d${i}` }));
      const alice = chat.connect("alice");
      await until(() => isLive(alice) && bobs.every(isLive));
      for (let i = 1; i <= 60; i++) {
        send(alice, "x".repeat(16_000));
        // A refusal is held back for a moment.
        await clock.advance(300);
        await until(() => answers(alice).length === i);
      }
      return alice.of("accepted").length;
    } finally {
      await chat.stop();
    }
  }

  test("R44 the sender pays for frames to many connections of one user", async () => {
    expect(await acceptedTo(2)).toBe(60);
    expect(await acceptedTo(60)).toBeLessThan(50);
  });

  test("R44 a user pays for the log that its device is sent, and the rest comes later, in order", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const limits = { heartbeatMs: 100_000_000, headPollMs: 60_000, pageChangesMax: 10 };
    const chat = await startHub({ clock, limits, rates: slow });
    try {
      for (let i = 0; i < 100; i++) await accepted(chat.store, { from: "bob", to: "alice", text: `${i}` });
      const alice = chat.connect("alice");
      const texts = () => alice.changes().flatMap((one) => (one.kind === "message" ? [one.text] : []));
      await until(() => texts().length >= 20);
      await clock.advance(100);
      expect(texts().length).toBeLessThan(60);
      await clock.advance(100_000);
      await until(() => texts().length === 100);
      expect(texts()).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
    } finally {
      await chat.stop();
    }
  });

  test("control: R44 frames of a hub with a limiter that takes nothing for them are all handled at once", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const limits = { heartbeatMs: 100_000_000, headPollMs: 60_000 };
    const chat = await startHub({ clock, limits, rates: { work: { user: null } } });
    try {
      const alice = chat.connect("alice");
      await until(() => isLive(alice));
      for (let i = 0; i < 40; i++) alice.say({ type: "read", conversation: "c1", seq: 1 });
      await until(() => alice.of("error").length === 40);
      expect(alice.state.paused).toBe(false);
    } finally {
      await chat.stop();
    }
  });
});
