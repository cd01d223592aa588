import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLimiter, doerOf } from "../../src/access/limiter.ts";
import { createTurns } from "../../src/internal/turns.ts";
import { createBuckets } from "../../src/internal/buckets.ts";
import { costs } from "../../src/protocol/costs.ts";
import { defaultRates, validateRates, ratesOf } from "../../src/protocol/rates.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { accepted, newId } from "../support/store.ts";

describe("buckets", () => {
  test("A30 over any history no user gets more than the burst and the rate allow, and a wait of the answered time is enough", async () => {
    const step = fc.record({ name: fc.constantFrom("a", "b"), count: fc.integer({ min: 1, max: 4 }), ms: fc.nat(900) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = fakeClock(0, async () => {});
        const rate = { burst: 7, perS: 3 };
        const buckets = createBuckets(rate, clock);
        const taken = new Map<string, { at: number; count: number }[]>();
        for (const { name, count, ms } of steps) {
          await clock.advance(ms);
          const log = taken.get(name) ?? [];
          taken.set(name, log);
          const waitMs = buckets.take(name, count);
          if (waitMs > 0) {
            await clock.advance(Math.max(0, Math.ceil(waitMs) - 2));
            if (waitMs > 2) expect(buckets.take(name, count)).toBeGreaterThan(0);
            await clock.advance(3);
            expect(buckets.take(name, count)).toBe(0);
          }
          log.push({ at: clock.elapsed(), count });
        }
        for (const log of taken.values())
          for (const [i, { at: since }] of log.entries()) {
            let sum = 0;
            for (const { at, count } of log.slice(i)) {
              sum += count;
              expect(sum).toBeLessThanOrEqual(rate.burst + (rate.perS * (at - since)) / 1_000 + 1e-6);
            }
          }
      }),
    );
  });

  test("A30 R3 names that are full again are forgotten, however many there were", async () => {
    const clock = fakeClock(0, async () => {});
    const buckets = createBuckets({ burst: 10, perS: 10 }, clock);
    let largest = 0;
    for (let i = 0; i < 100_000; i++) {
      buckets.take(`name ${i}`);
      if (i % 1_000 === 0) await clock.advance(100);
      largest = Math.max(largest, buckets.size());
    }
    expect(largest).toBeLessThan(5_000);
  });
});

describe("turns", () => {
  /** Turns with defers that the test runs. */
  function start(unitsMax: number) {
    const due: (() => void)[] = [];
    const turns = createTurns({ clock: { defer: (task) => void due.push(task) }, unitsMax });
    const nextTurn = async (): Promise<boolean> => {
      const now = due.splice(0);
      for (const task of now) task();
      await Promise.resolve();
      return now.length > 0;
    };
    return { turns, nextTurn };
  }

  test("R43 of one turn no more begins than fits, and the names take turns however much waits under one of them", async () => {
    const item = fc.record({ name: fc.constantFrom("a", "a", "a", "b", "c"), units: fc.integer({ min: 1, max: 12 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 60 }), async (items) => {
        const { turns, nextTurn } = start(10);
        let begun: { name: string; units: number; i: number }[] = [];
        for (const [i, { name, units }] of items.entries()) {
          const waits = turns.take(name, units);
          if (waits) void waits.then(() => begun.push({ name, units, i }));
          else begun.push({ name, units, i });
        }
        const all: (typeof begun)[] = [];
        do {
          all.push(begun);
          begun = [];
        } while (await nextTurn());
        for (const turn of all) {
          const units = turn.reduce((sum, one) => sum + one.units, 0);
          expect(units <= 10 || turn.length === 1).toBe(true);
        }
        const order = all.flat();
        expect(order.length).toBe(items.length);
        for (const name of ["a", "b", "c"]) {
          const own = order.filter((one) => one.name === name).map(({ i }) => i);
          expect(own).toEqual(own.toSorted((x, y) => x - y));
        }
        expect(turns.size()).toBe(0);
      }),
    );
  });

  /** Where the first of `b` begins, behind a hundred of `a` that came before it. */
  async function placeOfSecond(nameOf: (name: string) => string): Promise<number> {
    const { turns, nextTurn } = start(1);
    const order: string[] = [];
    for (const name of [...Array.from({ length: 100 }, () => "a"), "b"])
      void Promise.resolve(turns.take(nameOf(name), 1)).then(() => order.push(name));
    while (await nextTurn());
    return order.indexOf("b");
  }

  test("R43 R2 a user behind a hundred frames of another one is next but one", async () => {
    expect(await placeOfSecond((name) => name)).toBeLessThan(3);
  });

  test("control: R43 one queue for all users is noticed", async () => {
    expect(await placeOfSecond(() => "all")).toBe(100);
  });
});

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

  test("A30 a table that cannot be kept is named, a removed rate names its successor, and the default one can be kept", () => {
    expect(validateRates()).toBeNull();
    expect(validateRates(defaultRates)).toBeNull();
    expect(validateRates({ sends: { user: { burst: 0, perS: 1 } } })).toContain("sends.user");
    expect(validateRates({ work: { address: { burst: 5, perS: Number.NaN } } })).toContain("work.address");
    expect(validateRates({ work: { user: { burst: 0.5, perS: 1 } } })).toContain("work.user");
    expect(validateRates({ lookups: { user: null } } as object)).toContain("lookups is no rate; ");
    expect(validateRates({ connects: {} } as object)).toContain("set work");
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
