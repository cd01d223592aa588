import { expect, test } from "bun:test";
import fc from "fast-check";
import { createBuckets } from "../../src/internal/buckets.ts";
import { fakeClock } from "../support/fake-clock.ts";

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
