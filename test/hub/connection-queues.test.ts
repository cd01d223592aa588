import { expect, test } from "bun:test";
import type { Connection } from "../../src/connection/connection.ts";
import { createConnectionQueues } from "../../src/hub/connection-queues.ts";
import { connectionsAtOnce } from "../../src/hub/in-turns.ts";
import { fakeClock } from "../support/fake-clock.ts";

function start() {
  const tasks: (() => void)[] = [];
  const clock = { ...fakeClock(0, async () => {}), defer: (task: () => void) => void tasks.push(task) };
  const queues = createConnectionQueues({ clock, cursorDelayMs: 100 });
  const done: string[] = [];
  const connection = (name: string, flush = (): void => void done.push(`flush ${name}`)) =>
    ({
      flush,
      fail: () => void done.push(`fail ${name}`),
      outgoing: { sendPendingCursor: () => void done.push(`cursor ${name}`) },
    }) as unknown as Connection;
  return { clock, queues, done, connection, turn: () => tasks.splice(0).forEach((task) => task()) };
}

test("H4 a connection is flushed once at the end of a turn, and a fault costs the others nothing", async () => {
  const { queues, done, connection } = start();
  const [a, b] = [
    connection("a", () => {
      throw new Error("planted");
    }),
    connection("b"),
  ];
  for (const each of [a, b, b]) queues.pendingFlush.add(each);
  expect(done).toEqual([]);
  await Promise.resolve();
  expect([done, queues.pendingFlush.size()]).toEqual([["fail a", "flush b"], 0]);
});

test("R20 of many connections one turn takes a part, the oldest first", async () => {
  const { queues, done, connection, turn } = start();
  const count = connectionsAtOnce + 1;
  for (let i = 0; i < count; i++) queues.pendingFlush.add(connection(`${i}`));
  await Promise.resolve();
  expect([done.length, done[0], queues.pendingFlush.size()]).toEqual([connectionsAtOnce, "flush 0", 1]);
  turn();
  expect([done.length, done.at(-1)]).toEqual([count, `flush ${count - 1}`]);
});

test("H11 a connection that is gone is not flushed any more", async () => {
  const { clock, queues, done, connection } = start();
  const [a, b] = [connection("a"), connection("b")];
  for (const each of [a, b]) {
    queues.pendingFlush.add(each);
    queues.pendingCursor.add(each);
  }
  queues.delete(a);
  await Promise.resolve();
  await clock.advance(100);
  expect(done).toEqual(["flush b", "cursor b"]);
});

test("P25 cursors wait together for their delay, and are not sent after a stop", async () => {
  const { clock, queues, done, connection } = start();
  queues.pendingCursor.add(connection("a"));
  await clock.advance(60);
  queues.pendingCursor.add(connection("b"));
  await clock.advance(40);
  expect(done).toEqual(["cursor a", "cursor b"]);
  queues.pendingCursor.add(connection("c"));
  queues.stop();
  await clock.advance(1_000);
  expect(done).toHaveLength(2);
});

test("R5 R20 a shutdown finishes the work that waits, over as many turns as it takes", async () => {
  const { queues, done, turn } = start();
  for (let i = 0; i < 2 * connectionsAtOnce + 1; i++) queues.soon.add(() => void done.push(`${i}`));
  const finished = queues.soon.finish().then(() => done.push("finished"));
  for (let i = 0; i < 6; i++) {
    turn();
    await Promise.resolve();
  }
  await finished;
  expect([done.length, done.at(-1), queues.soon.size()]).toEqual([2 * connectionsAtOnce + 2, "finished", 0]);
});
