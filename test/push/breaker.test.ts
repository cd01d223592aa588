import { expect, test } from "bun:test";
import { createBreaker } from "../../src/push/breaker.ts";
import { createChance, randomOf } from "../sim/chance.ts";
import { fakeClock } from "../support/fake-clock.ts";

const most = 32;

test("U7 a provider that fails half of the time is never taken for one that is down", () => {
  const chance = createChance(1);
  const breaker = createBreaker({ clock: fakeClock(), random: randomOf(chance) });
  for (let i = 0; i < 100_000; i++) {
    if (chance.hits(0.5)) breaker.failed();
    else breaker.answered();
    if (breaker.allows(most) !== most) throw new Error(`It was after ${i} requests`);
  }
});

test("U7 what was under way when a provider went down makes no wait longer, but for what it asks for", async () => {
  const clock = fakeClock();
  const breaker = createBreaker({ clock, random: randomOf(createChance(1)) });
  for (let i = 0; i < 3 * most; i++) breaker.failed();
  expect(breaker.allows(most)).toBe(0);
  expect(breaker.waitMs()).toBeLessThanOrEqual(1_000);
  breaker.failed(7_000);
  expect(breaker.waitMs()).toBe(7_000);
  await clock.advance(7_000);
  expect(breaker.allows(most)).toBe(1);
  breaker.failed();
  expect(breaker.waitMs()).toBeGreaterThan(500);
  breaker.answered();
  expect(breaker.allows(most)).toBe(most);
});
