import { expect, test } from "bun:test";
import { ChatError } from "../../../src/error.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import type { Batch } from "../../../src/store/write/batch.ts";
import { type Committed, createWriteQueue } from "../../../src/store/write/write-queue.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const alice = { tenant: "t", user: "alice" };

function start() {
  const clock = fakeClock(7, async () => {});
  const state = { isOpen: true, work: 0 };
  const health = { isAvailable: () => state.isOpen, isOpen: () => state.isOpen, isClosed: () => false };
  const limits = { ...defaultLimits, marksDelayMs: 10, commitDevicesMax: 2 };
  const queue = createWriteQueue({ clock, limits, health, onWork: () => void state.work++ });
  const settle = (batch: Batch, committed: Partial<Committed> = {}) =>
    queue.settle(batch, { from: 0, to: 100, entries: [], outcomes: [], acked: [], refused: [], ...committed });
  const settled: string[] = [];
  const ack = (n: number, device = "phone") =>
    queue.marks.add({
      acks: [{ ...alice, device, n, settle: (isStored) => void settled.push(`${device} ${isStored}`) }],
      reads: [],
      seen: [],
    });
  return { clock, queue, state, settle, settled, ack };
}
const error = new ChatError("unavailable", "planted");
const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    () => "stored",
    (fault: Error) => fault.message,
  );

test("D1 a batch has everything that waits, and each call resolves with its commit", async () => {
  const { queue, state, settle } = start();
  const calls = [
    queue.createDevice(alice, "phone", { after: 3 }),
    queue.relate(alice, [{ other: "bob", contact: true }], { present: 0 }),
  ];
  expect([queue.hasWork(), state.work]).toEqual([true, 2]);
  const batch = queue.take();
  expect(batch).toMatchObject({
    devices: [{ device: "phone", after: 3 }],
    relations: [{ said: [{ other: "bob" }] }],
    time: 7,
  });
  expect(queue.hasWork()).toBe(false);
  settle(batch);
  expect(await Promise.all(calls.map(outcomeOf))).toEqual(["stored", "stored"]);
});

test("R1 a commit takes a bounded number of devices, the rest goes into the next", () => {
  const { queue } = start();
  for (const device of ["a", "b", "c"]) queue.createDevice(alice, device).catch(() => {});
  expect([queue.take().devices.length, queue.hasWork(), queue.take().devices.length, queue.hasWork()]).toEqual([
    2,
    true,
    1,
    false,
  ]);
});

test("S12 while commits fail a call is refused at once, and no ack is waited for", async () => {
  const { queue, state } = start();
  state.isOpen = false;
  const work = [queue.createDevice(alice, "phone"), queue.relate(alice, [], { present: 0 })];
  expect(await Promise.all(work.map(outcomeOf))).toEqual([
    "The store does not take commits now",
    "The store does not take commits now",
  ]);
  await queue.flushAck(alice, "phone");
  expect(queue.hasWork()).toBe(false);
});

test("S8 an ack that a commit covered in part goes on in the next one, and is settled at its end", async () => {
  const { clock, queue, settle, settled, ack } = start();
  ack(50);
  await clock.advance(10);
  const first = queue.take();
  settle(first, { acked: [{ ...alice, device: "phone", acked: 30 }] });
  expect(settled).toEqual([]);
  await clock.advance(10);
  const second = queue.take();
  expect(second.acks).toMatchObject([{ device: "phone", n: 50 }]);
  settle(second, { acked: [{ ...alice, device: "phone", acked: 50 }] });
  expect([settled, queue.hasWork()]).toEqual([["phone true"], false]);
});

test("P30 an ack beyond the head is done once it has reached the head", async () => {
  const { clock, queue, settle, settled, ack } = start();
  ack(500);
  await clock.advance(10);
  settle(queue.take(), { acked: [{ ...alice, device: "phone", acked: 100 }], to: 100 });
  expect([settled, queue.hasWork()]).toEqual([["phone true"], false]);
});

test("S32 an ack of a device that was forgotten makes the device again, once", async () => {
  const { clock, queue, settle, settled, ack } = start();
  ack(50);
  await clock.advance(10);
  settle(queue.take());
  const made = queue.take();
  expect(made.devices).toMatchObject([{ identity: alice, device: "phone", after: 50 }]);
  settle(made);
  await clock.advance(10);
  const again = queue.take();
  expect(again.acks).toMatchObject([{ n: 50, isAgain: true }]);
  settle(again);
  expect([settled, queue.hasWork()]).toEqual([["phone false"], false]);
});

test("D3 H5 O4 after a failed commit everything is answered as unknown, also the sends behind it, and marks are kept for a later one", async () => {
  const { clock, queue, state, settled, ack } = start();
  const outcomes: string[] = [];
  const send = { tenant: "t", from: "alice", to: "bob", id: "m1", text: "hi" };
  queue.sends.append(send, (outcome) => void outcomes.push(outcome.type === "refused" ? outcome.code : "accepted"));
  const first = queue.createDevice(alice, "phone");
  ack(50);
  await clock.advance(10);
  const batch = queue.take();
  queue.sends.append(
    { ...send, id: "m2" },
    (outcome) => void outcomes.push(outcome.type === "refused" ? outcome.code : "accepted"),
  );
  const later = queue.relate(alice, [], { present: 0 });
  state.isOpen = false;
  queue.refuseAll(error, batch);
  expect(await Promise.all([first, later].map(outcomeOf))).toEqual(["planted", "planted"]);
  expect([outcomes, settled]).toEqual([["unavailable", "unavailable"], ["phone false"]]);
  state.isOpen = true;
  queue.marks.resume();
  await clock.advance(10);
  expect(queue.take().acks).toMatchObject([{ n: 50 }]);
});
