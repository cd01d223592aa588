import { expect, test } from "bun:test";
import { createSenderRates } from "../../../src/store/write/sender-rates.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function start() {
  const clock = fakeClock(5_000, async () => {});
  const rates = createSenderRates({ clock, sendsMax: 3 });
  const send = (count: number, sender = "alice") => Array.from({ length: count }, () => rates.isLight(sender));
  return { clock, rates, send };
}

test("S14 a sender is light up to a few sends in two windows", async () => {
  const { clock, send } = start();
  expect([send(4), send(1, "bob")]).toEqual([[true, true, true, false], [true]]);
  await clock.advance(1_000);
  // The window before still counts.
  expect(send(1)).toEqual([false]);
  await clock.advance(1_000);
  expect(send(3)).toEqual([true, true, false]);
});

test("S14 after a pause of two windows nothing of before counts, and windows keep their rhythm", async () => {
  const { clock, send } = start();
  send(4);
  await clock.advance(2_300);
  expect(send(3)).toEqual([true, true, true]);
  await clock.advance(700);
  expect(send(1)).toEqual([false]);
  await clock.advance(1_000);
  expect(send(1)).toEqual([true]);
});

test("S14 a light sender is about for a second after a send; a heavy one never is", async () => {
  const { clock, rates, send } = start();
  expect(rates.areLightAbout()).toBe(false);
  send(1);
  await clock.advance(999);
  expect(rates.areLightAbout()).toBe(true);
  await clock.advance(1);
  expect(rates.areLightAbout()).toBe(false);
  send(3, "carol");
  await clock.advance(999);
  send(1, "carol");
  await clock.advance(1);
  expect(rates.areLightAbout()).toBe(false);
});
