import { expect, test } from "bun:test";
import { createPending } from "../../src/push/pending.ts";
import { fakeClock } from "../support/fake-clock.ts";

const identity = { tenant: "t", user: "bob" };
const other = { tenant: "t", user: "carol" };

function start() {
  const clock = fakeClock(0, async () => {});
  const dueIn: number[] = [];
  const pending = createPending({ clock, readDelayMs: 1_000, onDueIn: (ms) => void dueIn.push(ms) });
  return { clock, dueIn, pending };
}
const reader = { ...identity, conversation: "c1", n: 9 } as Parameters<
  ReturnType<typeof start>["pending"]["noteRead"]
>[0];
const blocker = { ...identity, other: "eve", n: 7 } as Parameters<ReturnType<typeof start>["pending"]["noteBlock"]>[0];

test("U1 entries that come together are looked at together, a little later", async () => {
  const { clock, dueIn, pending } = start();
  pending.markPending(identity, 5);
  pending.markPending(identity, 6);
  pending.markPending(other, 6);
  expect([pending.dueUsers().length, pending.nextDueAt(), dueIn]).toEqual([0, 50, [50, 50]]);
  await clock.advance(50);
  expect(pending.dueUsers()).toMatchObject([
    // The first message counts, and the mark that came meanwhile is noted.
    { identity, n: 5, marks: 1 },
    { identity: other, n: 6, marks: 0 },
  ]);
});

test("U1 a user who waits is looked at sooner only if one of the devices is away", async () => {
  const { clock, dueIn, pending } = start();
  pending.markPending(identity, 5);
  const [user] = pending.users.values();
  if (user) user.dueAt = 5_000;
  pending.markPending(identity, 6);
  expect([pending.nextDueAt(), dueIn.length]).toEqual([5_000, 1]);
  if (user) user.isAway = true;
  await clock.advance(100);
  pending.markPending(identity, 7);
  expect([pending.nextDueAt(), dueIn]).toEqual([150, [50, 50]]);
});

test("U2 reads are looked at after a delay, blocks at once, each once", () => {
  const { dueIn, pending } = start();
  for (let i = 0; i < 2; i++) {
    pending.noteRead(reader);
    pending.noteBlock(blocker);
  }
  pending.noteRead({ ...reader, conversation: "c2" });
  expect(dueIn).toEqual([1_000, 50, 1_000]);
  expect([pending.size(), pending.sizes(), pending.nextDueAt()]).toEqual([
    3,
    { recipients: 0, readers: 2, blockers: 1 },
    50,
  ]);
});

test("U5 the position is before every entry", () => {
  const { pending } = start();
  expect([pending.positionBefore(20), pending.nextDueAt()]).toEqual([20, Infinity]);
  pending.markPending(identity, 12);
  expect([pending.positionBefore(20), pending.positionBefore(3)]).toEqual([11, 3]);
  pending.noteRead(reader);
  expect(pending.positionBefore(20)).toBe(8);
  pending.noteBlock(blocker);
  expect(pending.positionBefore(20)).toBe(6);
});
