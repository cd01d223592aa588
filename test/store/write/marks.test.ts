import { describe, expect, test } from "bun:test";
import { encodeConversation } from "../../../src/protocol/conversation-id.ts";
import { createMarks } from "../../../src/store/write/marks.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const [delayMs, quietDelayMs] = [50, 1_000];
const alice = { tenant: "acme", user: "alice" };

const nine = encodeConversation(9);

function start({ takenMax = 10 } = {}) {
  const state = { isAvailable: true, isClosed: false, due: 0 };
  const clock = fakeClock();
  const marks = createMarks({
    ...{ clock, delayMs, quietDelayMs, takenMax },
    health: { isAvailable: () => state.isAvailable, isClosed: () => state.isClosed },
    onDue: () => void state.due++,
  });
  return { marks, clock, state };
}

describe("marks that wait for a commit", () => {
  test("P29 Q7 O9 marks become due together, and of each device and conversation only the furthest is taken", async () => {
    const { marks, clock, state } = start();
    for (const n of [3, 7, 5]) marks.ack(alice, "phone", n);
    marks.ack(alice, "laptop", 2);
    for (const seq of [2, 4, 1]) marks.read(alice, nine, seq);
    for (const time of [10, 30, 20]) marks.seen(alice, time);
    await clock.advance(delayMs - 1);
    expect([marks.isDue(), marks.take().acks]).toEqual([false, []]);
    await clock.advance(1);
    expect([marks.isDue(), state.due]).toEqual([true, 1]);
    const { acks, reads, seen } = marks.take();
    expect(acks.map(({ n }) => n)).toEqual([7, 2]);
    expect(reads.map(({ seq }) => seq)).toEqual([4]);
    expect(seen.map(({ time }) => time)).toEqual([30]);
    expect([marks.isEmpty(), marks.isDue()]).toEqual([true, false]);
  });

  test("P29 Q7 every caller of a mark that was replaced is answered with the one that is kept", async () => {
    const { marks, clock } = start();
    const answers: string[] = [];
    for (const [i, n] of [3, 7, 5].entries())
      marks.ack(alice, "phone", n, (isStored) => void answers.push(`${i} ${isStored}`));
    // Nobody waits for this one.
    marks.ack(alice, "phone", 9);
    await clock.advance(delayMs);
    for (const { settle } of marks.take().acks) settle?.(true);
    expect(answers.toSorted()).toEqual(["0 true", "1 true", "2 true"]);
  });

  test("S45 an ack of the undelivered list leaves the position in the log where it was", async () => {
    const { marks, clock } = start();
    marks.ack(alice, "phone", { n: 4, level: 1 });
    marks.ackList(alice, "phone", 9);
    await clock.advance(delayMs);
    expect(marks.take().acks).toMatchObject([{ n: 9, logN: 4, level: 1 }]);
  });

  test("R1 a commit takes a bounded number of marks, and the rest stays due", async () => {
    const { marks, clock } = start({ takenMax: 2 });
    for (const device of ["a", "b", "c"]) marks.ack(alice, device, 1);
    await clock.advance(delayMs);
    expect(marks.take().acks).toHaveLength(2);
    expect(marks.isDue()).toBe(true);
    expect(marks.take().acks).toHaveLength(1);
    expect(marks.isDue()).toBe(false);
  });

  test("O8 the rest of an ack goes into the next commit, before marks that wait for their delay", async () => {
    const { marks, clock } = start();
    marks.addLeft({ ...alice, device: "phone", n: 8 });
    marks.ack(alice, "laptop", 5);
    await clock.advance(1);
    expect(marks.take().acks).toMatchObject([{ device: "phone", n: 8 }]);
    expect([marks.isDue(), marks.isEmpty()]).toEqual([false, false]);
    await clock.advance(delayMs);
    expect(marks.take().acks).toMatchObject([{ device: "laptop", n: 5 }]);
  });

  test("H5 while no commit is possible nothing becomes due; callers are answered, and the marks are kept", async () => {
    const { marks, clock, state } = start();
    const answers: boolean[] = [];
    const settle = (isStored: boolean): void => void answers.push(isStored);
    marks.ack(alice, "phone", 3, settle);
    state.isAvailable = false;
    marks.ack(alice, "phone", 4);
    await clock.advance(10 * delayMs);
    marks.giveUp();
    marks.giveUp();
    marks.ack(alice, "phone", 5, settle);
    expect([answers, marks.isDue(), marks.isEmpty()]).toEqual([[false, false], false, false]);
    state.isAvailable = true;
    marks.resume();
    await clock.advance(delayMs);
    expect(marks.take().acks).toMatchObject([{ n: 4 }]);
  });

  test("Q7 once it is closed nothing is taken, and callers are answered", () => {
    const { marks, state } = start();
    const answers: boolean[] = [];
    const settle = (isStored: boolean): void => void answers.push(isStored);
    state.isClosed = true;
    marks.ack(alice, "phone", 3, settle);
    marks.ackList(alice, "phone", 3, settle);
    marks.read(alice, nine, 3, settle);
    marks.seen(alice, 3);
    expect([answers, marks.isEmpty()]).toEqual([[false, false, false], true]);
  });

  test("S51 quiet acks wait longer, together, and hold nothing else up", async () => {
    const { marks, clock, state } = start();
    marks.ack(alice, "phone", { n: 3, isQuiet: true });
    await clock.advance(quietDelayMs / 2);
    marks.ack(alice, "laptop", { n: 4, isQuiet: true });
    marks.read(alice, nine, 2);
    await clock.advance(delayMs);
    expect([marks.isDue(), state.due]).toEqual([true, 1]);
    expect(marks.take()).toMatchObject({ acks: [], reads: [{ seq: 2 }] });
    expect([marks.isDue(), marks.isEmpty()]).toEqual([false, false]);
    await clock.advance(quietDelayMs / 2 - delayMs);
    expect(marks.isDue()).toBe(true);
    expect(marks.take().acks.map(({ n }) => n)).toEqual([3, 4]);
    expect([marks.isDue(), marks.isEmpty()]).toEqual([false, true]);
  });

  test("S51 an ack of a message takes the quiet one of its device along, and one with a callback is never quiet", async () => {
    const { marks, clock } = start();
    marks.ack(alice, "phone", { n: 3, isQuiet: true });
    marks.ack(alice, "phone", { n: 5 });
    marks.ack(alice, "phone", { n: 7, isQuiet: true });
    marks.ack(alice, "laptop", { n: 2, isQuiet: true }, () => {});
    await clock.advance(delayMs);
    expect(marks.take().acks.map(({ n }) => n)).toEqual([7, 2]);
    expect(marks.isEmpty()).toBe(true);
    await clock.advance(quietDelayMs);
    expect(marks.isDue()).toBe(false);
  });

  test("S51 R1 R5 quiet acks are taken at a shutdown, and a bounded number at a time", () => {
    const { marks } = start({ takenMax: 2 });
    for (const device of ["a", "b", "c"]) marks.ack(alice, device, { n: 1, isQuiet: true });
    marks.hurry();
    expect([marks.take().acks.length, marks.isDue(), marks.take().acks.length]).toEqual([2, true, 1]);
  });

  test("R5 at a shutdown marks are due at once", () => {
    const { marks } = start();
    marks.read(alice, nine, 2);
    marks.hurry();
    expect(marks.take().reads).toHaveLength(1);
  });
});
