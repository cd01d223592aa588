import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLimiter } from "../../src/hub/limiter.ts";
import { createBuckets } from "../../src/internal/buckets.ts";
import { defaultRates, faultOfRates, ratesOf } from "../../src/protocol/rates.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { newId } from "../support/store.ts";

describe("buckets", () => {
  test("A30 over any history nobody gets more than the burst and the rate allow, and who waits as told gets it", async () => {
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

describe("limiter", () => {
  const one = { burst: 2, perS: 1 };
  const rates = ratesOf({
    sends: { user: one, address: { burst: 3, perS: 1 } },
    lookups: { user: null, address: one },
  });

  test("A30 users and addresses are counted apart, kinds too, tenants too; what is refused for one counts for neither", () => {
    const limiter = createLimiter({ rates, clock: fakeClock() });
    const [alice, bob] = [
      { tenant: "t", user: "alice" },
      { tenant: "t", user: "bob" },
    ];
    const address = "192.0.2.1";
    expect([1, 2, 3].map(() => limiter.take("sends", { identity: alice, address }) > 0)).toEqual([false, false, true]);
    // The third one took nothing from the address: it has one left.
    expect([1, 2].map(() => limiter.take("sends", { identity: bob, address }) > 0)).toEqual([false, true]);
    expect(limiter.take("sends", { identity: { tenant: "other", user: "alice" } })).toBe(0);
    expect(limiter.take("connects", { identity: alice, address })).toBe(0);
    for (let i = 0; i < 9; i++) expect(limiter.take("lookups", { identity: alice })).toBe(0);
  });

  test("A30 a table that cannot be kept is named, and the default one can", () => {
    expect(faultOfRates(defaultRates)).toBeNull();
    expect(faultOfRates(ratesOf({ sends: { user: { burst: 0, perS: 1 } } }))).toContain("sends.user");
    expect(faultOfRates(ratesOf({ connects: { address: { burst: 5, perS: Number.NaN } } }))).toContain(
      "connects.address",
    );
    expect(faultOfRates(ratesOf({ lookups: { user: { burst: 0.5, perS: 1 } } }))).toContain("lookups.user");
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
      // What was accepted once stays so, and nobody else is held up.
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

  test("A30 watch and typing over the rate are answered, do nothing, and close nothing", async () => {
    const chat = await startHub({ rates: { lookups: { user: { burst: 2, perS: 0.001 } } } });
    try {
      const [alice, bob] = [chat.connect("alice"), chat.connect("bob")];
      await until(() => isLive(alice) && isLive(bob));
      alice.say({ type: "watch", users: ["alice"] });
      alice.say({ type: "typing", to: "bob", typing: true });
      for (let i = 0; i < 30; i++) alice.say({ type: "watch", users: ["bob"] });
      alice.say({ type: "typing", to: "bob", typing: true });
      await until(() => alice.of("error").length === 31);
      expect(new Set(alice.of("error").map(({ code }) => code))).toEqual(new Set(["rate_limited"]));
      expect(alice.of("presence").map(({ user }) => user)).toEqual(["alice"]);
      expect(alice.state.closed).toBeNull();
    } finally {
      await chat.stop();
    }
  });
});
