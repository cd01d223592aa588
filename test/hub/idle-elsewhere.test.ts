import { expect, test } from "bun:test";
import { createIdleElsewhere } from "../../src/hub/idle-elsewhere.ts";
import { fakeClock } from "../support/fake-clock.ts";

const bob = { tenant: "t", user: "bob" };

function start() {
  const clock = fakeClock(0, async () => {});
  const asked: string[] = [];
  const idle = createIdleElsewhere({ clock, ask: ({ user }) => void asked.push(user) });
  return { clock, asked, idle, idleMs: (device: string) => idle.idleMs(bob, device) };
}

test("U1 the other nodes are asked once, and it is unknown until they may have answered", async () => {
  const { clock, asked, idleMs } = start();
  expect([idleMs(""), idleMs("phone")]).toEqual(["unknown", "unknown"]);
  await clock.advance(299);
  expect(idleMs("")).toBe("unknown");
  await clock.advance(1);
  // No node has said anything.
  expect([idleMs(""), idleMs("phone"), asked]).toEqual([null, null, ["bob"]]);
});

test("U1 of all answers the least time counts, of one device or of any, and it goes on", async () => {
  const { clock, idle, idleMs } = start();
  idleMs("");
  idle.take(bob, [
    ["phone", 9_000],
    ["tablet", 4_000],
  ]);
  idle.take(bob, [["phone", 2_000]]);
  idle.take(bob, [["phone", 7_000]]);
  await clock.advance(300);
  expect([idleMs("phone"), idleMs("tablet"), idleMs(""), idleMs("other")]).toEqual([2_300, 4_300, 2_300, null]);
});

test("U1 an answer holds for five seconds, then it is asked for again; one that nobody asked for is ignored", async () => {
  const { clock, asked, idle, idleMs } = start();
  idle.take(bob, [["phone", 1]]);
  idleMs("");
  await clock.advance(4_999);
  expect([idleMs(""), asked.length]).toEqual([null, 1]);
  await clock.advance(1);
  expect([idleMs(""), asked.length]).toEqual(["unknown", 2]);
});
