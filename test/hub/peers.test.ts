import { expect, test } from "bun:test";
import { createPeers } from "../../src/hub/peers.ts";
import { fakeClock } from "../support/fake-clock.ts";

test("F22: commits are divided while there are enough nodes and all have said that they understand it", async () => {
  const clock = fakeClock();
  const peers = createPeers(clock);
  expect(peers.note("a")).toBe(true);
  expect(peers.note("a")).toBe(false);
  peers.noteDivided("a", true);
  expect([peers.areDividing(2), peers.areDividing(3)]).toEqual([true, false]);
  peers.note("older");
  expect(peers.areDividing(2)).toBe(false);
  peers.noteDivided("unknown", true);
  expect(peers.areDividing(2)).toBe(false);
  await clock.advance(9_000);
  peers.note("a");
  await clock.advance(1_000);
  expect(peers.takeGone()).toEqual(["older"]);
  expect(peers.areDividing(2)).toBe(true);
  peers.noteDivided("a", false);
  expect(peers.areDividing(2)).toBe(false);
  peers.clear();
  expect([peers.note("a"), peers.areDividing(2), peers.areDividing(1)]).toEqual([true, false, false]);
});
