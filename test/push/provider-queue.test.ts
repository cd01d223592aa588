import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { contentFree } from "../../src/push/fit.ts";
import type { PushResult } from "../../src/push/provider.ts";
import { breakerOptions, createProviderQueue } from "../../src/push/provider-queue.ts";
import { createRequestLimit } from "../../src/push/request-limit.ts";
import type { Due, Verdict } from "../../src/store/push/due-store.ts";
import { fakeClock } from "../support/fake-clock.ts";

const now = 1_780_000_000_000;
const due = (seq: number, fields: Partial<Due> = {}): Due => ({
  ...{
    address: seq,
    conversation: "c1",
    provider: "sms",
    tenant: "t",
    user: "bob",
    device: "phone",
    token: `tok${seq}`,
    hash: "h",
  },
  ...{
    refreshed: 0,
    expiresAt: null,
    message: { id: `m${seq}`, from: "alice", text: "x", time: now },
    n: seq,
    seq,
    first: seq,
  },
  ...{
    since: { type: "position", n: seq },
    attempts: 0,
    shown: 0,
    acked: 0,
    isOff: false,
    read: 0,
    marksN: 0,
    mutedUntil: null,
  },
  ...{ quietHours: null, isBlocked: false, unread: 1, ...fields },
});

/** A store with these due notices, each until its verdict is kept. */
function start(notices: readonly Due[], { requests = 4, free = 100 } = {}) {
  const clock = fakeClock(now);
  const state = {
    holder: "me",
    isHeld: true,
    isAvailable: true,
    losses: 0,
    looks: 0,
    result: { type: "sent", answer: "ok" } as PushResult,
  };
  const waiting = new Map(notices.map((each) => [each.address, each]));
  const kept: Verdict[] = [];
  const held: ((result: PushResult) => void)[] = [];
  let doHold = false;
  const queue = createProviderQueue({
    store: {
      due: async (_provider, _now, limit) => (state.looks++, [...waiting.values()].slice(0, limit)),
      badges: async (users) => users.map(() => 5),
      async settle(holder, verdicts) {
        if (holder !== state.holder) return false;
        kept.push(...verdicts);
        for (const { due: each, isDone, until } of verdicts) if (isDone || until !== null) waiting.delete(each.address);
        return true;
      },
    },
    provider: {
      ...{ name: "sms", expects: "", parse: () => null },
      send: () => (doHold ? new Promise((resolve) => held.push(resolve)) : Promise.resolve(state.result)),
    },
    ...{
      clock,
      random: { integer: () => 2 ** 51 },
      requestLimit: createRequestLimit({ perProviderMax: free }),
      health: { note() {} },
    },
    lease: { holder: () => state.holder, isHeld: () => state.isHeld, lose: () => void state.losses++ },
    limits: { ...defaultLimits, pushRequestsMax: requests },
    ...{
      delays: { activeMs: 1_000, idleMs: 5_000, expiryMs: 1e9 },
      presenceOf: () => "none" as const,
      ageOf: () => 60_000,
      isInherited: () => false,
    },
    ...{
      previewOf: async () => contentFree,
      historyName: () => "e1",
      isAvailable: () => state.isAvailable,
      report() {},
      reportProvider() {},
    },
  });
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) {
      await clock.advance(1);
      // The keys of requests are hashed outside of the event loop, in order: this waits for those before it.
      await crypto.subtle.digest("SHA-256", new Uint8Array(1));
    }
  };
  return { clock, state, waiting, kept, held, queue, turn, hold: () => void (doHold = true) };
}
const reasons = (kept: readonly Verdict[]) => kept.map(({ due: { seq }, log }) => `${seq} ${log?.reason}`);

test("U7 each due notice is sent once, and its verdict is kept", async () => {
  const { kept, queue, turn } = start([due(1), due(2), due(3)]);
  queue.start();
  queue.start();
  await turn();
  queue.pump();
  await turn();
  expect([reasons(kept), queue.sizes()]).toEqual([["1 sent", "2 sent", "3 sent"], { requests: 0, verdicts: 0 }]);
});

test("U7 K12 no more requests run at a time than the queue, and the process, may have", async () => {
  for (const [options, most] of [
    [{ requests: 2 }, 2],
    [{ free: 3 }, 3],
  ] as const) {
    const { held, queue, turn, hold, kept } = start(
      [1, 2, 3, 4, 5].map((seq) => due(seq)),
      options,
    );
    hold();
    queue.start();
    await turn();
    expect([held.length, queue.sizes().requests]).toEqual([most, most]);
    held[0]?.({ type: "sent", answer: "" });
    await turn();
    // The one that has ended makes room for one more, which is none of those under way.
    expect([held.length, kept.length]).toEqual([most + 1, 1]);
  }
});

test("U8 without the lease, also if it ends during a look, while the store is away, and after a pause no request begins", async () => {
  for (const stop of ["isHeld", "isAvailable", "pause", "meanwhile"] as const) {
    const { state, kept, queue, turn } = start([due(1)]);
    if (stop === "isHeld" || stop === "isAvailable") state[stop] = false;
    queue.start();
    if (stop === "pause") queue.pause();
    if (stop === "meanwhile") {
      expect(state.looks).toBe(1);
      state.isHeld = false;
    }
    await turn();
    expect([stop, kept]).toEqual([stop, []]);
  }
});

test("U8 a verdict that was made under an earlier lease is not kept", async () => {
  const { state, held, kept, queue, turn, hold } = start([due(1)]);
  hold();
  queue.start();
  await turn();
  state.holder = "another name";
  held[0]?.({ type: "sent", answer: "" });
  await turn();
  expect([kept, queue.sizes()]).toMatchObject([[], { verdicts: 0 }]);
});

test("U12 U7 a provider that asks for a delay is not called before it, and later after each failure", async () => {
  const { state, kept, queue, turn } = start([due(1), due(2, { attempts: 9 })]);
  state.result = { type: "retry", answer: "503", afterMs: 30_000 };
  queue.start();
  await turn();
  const [first = 0, second = 0] = kept.map(({ until }) => (until ?? 0) - now);
  expect(kept.map(({ attempts }) => attempts)).toEqual([1, 10]);
  expect(first).toBeWithin(30_000, 34_000);
  expect(second).toBeGreaterThan(first);
});

test("U7 a provider that fails again and again is left alone for a while", async () => {
  const { clock, state, kept, queue, turn } = start(
    Array.from({ length: 200 }, (_, i) => due(i + 1)),
    { requests: 100, free: 1_000 },
  );
  state.result = { type: "retry", answer: "503" };
  queue.start();
  await turn();
  const tried = kept.length;
  expect(tried).toBeWithin(breakerOptions.failuresMax, 101);
  await clock.advance(500);
  expect(kept.length).toBe(tried);
});

test("U7 the store is asked again every second, for notices that became due elsewhere", async () => {
  const { clock, kept, queue, turn, waiting } = start([]);
  queue.start();
  await turn();
  waiting.set(7, due(7));
  await clock.advance(1_000);
  await turn();
  expect(reasons(kept)).toEqual(["7 sent"]);
});

test("R5 an end waits for the requests under way and their verdicts, and begins no other", async () => {
  const { held, kept, queue, turn, hold } = start([due(1), due(2)], { requests: 1 });
  await queue.idle();
  hold();
  queue.start();
  await turn();
  let isIdle = false;
  void queue.idle().then(() => (isIdle = true));
  await turn();
  expect(isIdle).toBe(false);
  held[0]?.({ type: "sent", answer: "" });
  await turn();
  expect([isIdle, reasons(kept), held.length]).toEqual([true, ["1 sent"], 1]);
});
