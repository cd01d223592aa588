import { afterEach, expect, test } from "bun:test";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { startHub, type TestHub } from "../support/hub.ts";
import { newId } from "../support/store.ts";

let running: TestHub[] = [];
afterEach(async () => {
  for (const hub of running) await hub.stop();
  running = [];
});

const readers = 12;
const messages = 12;
const text = "x".repeat(16_000);
/** A whole frame of changes may leave just before the budget is full, and answers always may. */
const slackBytes = 65_536 + 16_384;
const isLive = (socket: FakeSocket): boolean => socket.of("changes").some(({ more }) => !more);
const post = (socket: FakeSocket, to: string, what: string): void =>
  socket.say({ type: "send", id: newId(), to, text: what });
const seen = (socket: FakeSocket): number => socket.changes().filter(({ kind }) => kind === "message").length;

/** Readers that stop, and 192 kB for each of them: how much waits over all of them, at most? */
async function stallAll(outboxTotalBytesMax: number, heartbeatMs = 60_000) {
  const hub = await startHub({ limits: { outboxTotalBytesMax, heartbeatMs, slowConsumerMs: 60_000 } });
  running.push(hub);
  const alice = hub.connect("alice");
  const stopped = Array.from({ length: readers }, (_, i) => hub.connect(`bob${i}`));
  await until(() => [alice, ...stopped].every(isLive));
  for (const bob of stopped) bob.stall();
  let bytesMax = 0;
  for (let i = 0; i < messages; i++) {
    for (let k = 0; k < readers; k++) post(alice, `bob${k}`, text);
    await until(() => alice.of("accepted").length === (i + 1) * readers);
    bytesMax = Math.max(
      bytesMax,
      stopped.reduce((sum, { socket }) => sum + socket.bufferedBytes(), 0),
    );
  }
  return { hub, alice, stopped, bytesMax };
}

test("R3 the bytes that wait over all connections are bounded, and each connection gets everything once it drains", async () => {
  const { hub, stopped, bytesMax } = await stallAll(500_000);
  expect(bytesMax).toBeGreaterThan(250_000);
  expect(bytesMax).toBeLessThan(500_000 + slackBytes);
  expect(hub.hub.sizes().outboxBytes).toBe(stopped.reduce((sum, { socket }) => sum + socket.bufferedBytes(), 0));
  for (const bob of stopped) bob.drain();
  await until(() => stopped.every((bob) => seen(bob) === messages));
  expect(hub.hub.sizes().outboxBytes).toBe(0);
});

test("control: R3 without a bound over all of them each holds its own, and together many times as much", async () => {
  expect((await stallAll(Number.POSITIVE_INFINITY)).bytesMax).toBeGreaterThan(readers * 150_000);
});

test("R3 while the budget is short, a client that takes nothing is closed with 4413 and one that reads is served", async () => {
  const { hub, stopped } = await stallAll(500_000, 1_200);
  const carol = hub.connect("carol");
  const dave = hub.connect("dave");
  await until(() => isLive(carol) && isLive(dave));
  post(carol, "dave", "hi");
  await until(() => seen(dave) === 1);
  const gone = (): FakeSocket[] => stopped.filter(({ state }) => state.closed !== null);
  await until(() => gone().length > 0);
  expect(hub.events.filter((event) => event.type === "disconnected" && event.code === 4413)).toHaveLength(
    gone().length,
  );
  // Only as many as it takes: while the budget is not short, the others stay.
  expect(gone().length).toBeLessThan(readers);
});

test("R3 the bound over all is a multiple of the bound of one", () => {
  expect(defaultLimits.outboxTotalBytesMax).toBeGreaterThanOrEqual(100 * defaultLimits.outboxBytesMax);
});
