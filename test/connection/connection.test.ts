import { expect, test } from "bun:test";
import { type Connection, type ConnectionContext, createConnection } from "../../src/connection/connection.ts";
import { createOutboxBudget } from "../../src/connection/outbox-budget.ts";
import { createSendWindow } from "../../src/connection/send-window.ts";
import { systemRandom } from "../../src/internal/random.ts";
import type { Session } from "../../src/model.ts";
import { createCursors } from "../../src/protocol/cursor.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { fakeSocket } from "../support/fake-socket.ts";

const now = 1_780_000_000_000;
const heartbeatMs = 1_000;

/** A connection to a store with an empty log. */
async function start({
  session = {},
  opens = true,
  openDevice,
}: { session?: Partial<Session>; opens?: boolean; openDevice?: () => Promise<unknown> } = {}) {
  const clock = fakeClock(now);
  const fake = fakeSocket();
  const state = { joins: 0, leaves: [] as number[], faults: 0, handled: [] as unknown[], flushes: 0 };
  let handle: (connection: Connection, data: string | Uint8Array) => void | Promise<void> = (_connection, data) =>
    void state.handled.push(data);
  const started = { synced: 0, newest: 0, head: { epoch: "abcdefgh", n: 0 }, level: 1, seen: 0 };
  const store = {
    cursors: createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom }),
    openDevice: openDevice ?? (async () => started),
    changes: async () => ({ changes: [], upTo: 0, more: false }),
    settled: async () => {},
  } as unknown as Store;
  const context: ConnectionContext = {
    ...{ store, clock, awake: clock, limits: { ...defaultLimits, heartbeatMs }, limiter: undefined },
    ...{ budget: createOutboxBudget({ bytesMax: 1e9 }), sendWindow: createSendWindow({ windowMax: 64, sendsMax: 64 }) },
    handle: (connection, data) => handle(connection, data),
    join: () => (state.joins++, { lastN: 0, isReading: false }),
    leave: (_connection, code) => void state.leaves.push(code),
    scheduleFlush: (connection) => (state.flushes++, queueMicrotask(() => connection.flush())),
    ...{ onActive() {}, scheduleCursor() {}, soon: (task) => task(), report: () => void state.faults++ },
  };
  const { connection, events } = createConnection(
    { socket: fake.socket, session: { tenant: "t", user: "alice", ...session }, device: "phone" },
    context,
  );
  fake.attach(events);
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await clock.advance(0);
  };
  if (opens) {
    connection.start();
    await turn();
  }
  return { clock, fake, state, connection, events, turn, onFrame: (handler: typeof handle) => void (handle = handler) };
}
const pong = { type: "pong", id: "1" } as const;

test("P1 P15 a connection is greeted, joins, and is then sent the log to its end", async () => {
  const { fake, state, connection } = await start();
  expect([fake.frames.map(({ type }) => type), fake.of("changes")[0]?.more]).toEqual([["welcome", "changes"], false]);
  expect([state.joins, connection.isOpen(), connection.url, connection.level]).toEqual([1, true, undefined, 1]);
  fake.hangUp();
  fake.hangUp();
  expect([state.leaves, connection.isOpen()]).toEqual([[1006], false]);
});

test("P26 O10 frames that come before the greeting are handled after it", async () => {
  const { fake, state, connection, turn } = await start({ opens: false });
  fake.raw("first");
  await turn();
  expect(state.handled).toEqual([]);
  connection.start();
  await turn();
  expect(state.handled).toEqual(["first"]);
});

test("H5 a store that fails at the opening, and a handler that fails, close with 1011", async () => {
  const failed = await start({ openDevice: () => Promise.reject(new Error("planted")) });
  expect([failed.fake.state.closed?.reason, failed.state.faults, failed.state.joins]).toEqual([
    "the store failed",
    1,
    0,
  ]);
  const handler = await start();
  handler.onFrame(() => Promise.reject(new Error("planted")));
  handler.fake.raw("x");
  await handler.turn();
  expect([handler.fake.state.closed?.code, handler.state.faults]).toEqual([failed.fake.state.closed?.code, 1]);
});

test("H5 where the store failed a send, the answers before it leave, and no further frame is handled", async () => {
  const { fake, state, connection, onFrame, turn } = await start();
  const [first, second] = [connection.outgoing.reserve(), connection.outgoing.reserve()];
  onFrame((each, data) => (state.handled.push(data), each.closeAfterAnswers()));
  fake.raw("fails");
  fake.raw("after");
  await turn();
  expect([state.handled, fake.state.closed]).toEqual([["fails"], null]);
  connection.outgoing.answer(first, pong);
  await turn();
  expect(fake.state.closed).toBeNull();
  connection.outgoing.answer(second, pong);
  await turn();
  expect([fake.of("pong").length, fake.state.closed?.reason]).toEqual([2, "the store failed"]);
});

test("H8 H14 a session closes with 4401 at its end, which may move while it lasts", async () => {
  const { clock, fake, connection } = await start({ session: { expiresAt: now + 5_000 } });
  expect(connection.extend(now + 9_000)).toBe(true);
  for (let i = 0; i < 8; i++) {
    await clock.advance(1_000);
    connection.beat();
    fake.pong();
  }
  await clock.advance(999);
  expect([fake.state.closed, connection.endIfOver()]).toEqual([null, false]);
  await clock.advance(1);
  expect([fake.state.closed?.code, connection.extend(now + 99_000)]).toEqual([4401, false]);
  // One that is over while it opens is closed as well.
  const over = await start({ session: { expiresAt: now } });
  expect(over.fake.state.closed?.code).toBe(4401);
});

test("H10 the eleventh bad frame of a minute closes with 4400, after the answers", async () => {
  const { fake, connection } = await start();
  for (let i = 0; i < defaultLimits.badFramesPerMinuteMax; i++) connection.countBadFrame();
  expect(fake.state.closed).toBeNull();
  connection.outgoing.reply(pong);
  connection.countBadFrame();
  expect([fake.of("pong").length, fake.state.closed?.code]).toEqual([1, 4400]);
});

test("H7 a peer is pinged, and closed with 4408 if nothing is heard of it, with 4413 if it takes nothing", async () => {
  const silent = await start();
  for (let i = 0; i < 12 && silent.fake.state.closed === null; i++) {
    await silent.clock.advance(heartbeatMs / 2);
    silent.connection.beat();
  }
  expect([silent.fake.state.pings > 0, silent.fake.state.closed?.code]).toEqual([true, 4408]);
  const alive = await start();
  for (let i = 0; i < 12; i++) {
    await alive.clock.advance(heartbeatMs / 2);
    alive.connection.beat();
    alive.fake.pong();
  }
  expect(alive.fake.state.closed).toBeNull();
});

test("H9 a peer that sends more than may wait is closed with 4429", async () => {
  const { fake, turn, onFrame } = await start();
  onFrame(() => new Promise(() => {}));
  for (let i = 0; i < 2_000 && fake.state.closed === null; i++) fake.raw("x".repeat(1_000));
  await turn();
  expect([fake.state.paused, fake.state.closed?.code]).toEqual([true, 4429]);
});

test("H14 nothing is sent or handled after the end, and a socket may be dropped without a handshake", async () => {
  const { fake, state, connection, turn } = await start();
  connection.close(4401, "over");
  connection.outgoing.reply(pong);
  fake.raw("late");
  connection.beat();
  connection.flush();
  expect(connection.extend(now + 99_000)).toBe(false);
  await turn();
  expect([fake.of("pong"), state.handled, fake.state.pings, state.leaves]).toEqual([[], [], 0, [4401]]);
  const dropped = await start();
  dropped.connection.terminate();
  expect([dropped.fake.state.closed, dropped.state.leaves]).toEqual([{ code: 1006, reason: "terminated" }, [1012]]);
});
