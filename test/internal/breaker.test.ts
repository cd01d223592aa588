import { expect, test } from "bun:test";
import { createBreaker } from "../../src/internal/breaker.ts";
import { breakerOptions } from "../../src/push/provider-queue.ts";
import { createChance, randomOf } from "../proof/sim/chance.ts";
import { fakeClock } from "../support/fake-clock.ts";

const most = 32;

test("U7 a provider that fails half of the time is never taken for one that is down", () => {
  const chance = createChance(1);
  const breaker = createBreaker({ clock: fakeClock(), random: randomOf(chance), ...breakerOptions });
  for (let i = 0; i < 100_000; i++) {
    if (chance.hits(0.5)) breaker.failed();
    else breaker.answered();
    if (breaker.allows(most) !== most) throw new Error(`It was after ${i} requests`);
  }
});

test("U7 a request that was under way when a provider went down makes no wait longer, except for the pause that it asks for", async () => {
  const clock = fakeClock();
  const breaker = createBreaker({ clock, random: randomOf(createChance(1)), ...breakerOptions });
  for (let i = 0; i < 3 * most; i++) breaker.failed();
  expect(breaker.allows(most)).toBe(0);
  await clock.advance(1_000);
  expect(breaker.allows(most)).toBe(1);
  breaker.failed(7_000);
  await clock.advance(6_999);
  breaker.failed();
  expect(breaker.allows(most)).toBe(0);
  await clock.advance(1);
  expect(breaker.allows(most)).toBe(1);
  breaker.failed();
  await clock.advance(500);
  expect(breaker.allows(most)).toBe(0);
  breaker.answered();
  expect(breaker.allows(most)).toBe(most);
});
