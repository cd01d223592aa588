import { expect, test } from "bun:test";
import type { LogEntry } from "../../src/model.ts";
import { createUnacked } from "../../src/push/unacked.ts";
import type { Recipient, Undecided } from "../../src/store/push/unacked-store.ts";
import { fakeClock } from "../support/fake-clock.ts";

const message = (n: number, to = "bob"): LogEntry => ({
  tenant: "t",
  users: ["alice", to],
  change: { kind: "message", n, conversation: "c1", seq: n, id: `m${n}`, from: "alice", to, text: "x", time: 1 },
});

function start({ head = 10, usersMax = 100, log = [] as Recipient[] } = {}) {
  const clock = fakeClock(0);
  const state = {
    head,
    isAvailable: true,
    fails: false,
    due: 0,
    stretches: [] as string[],
    faults: 0,
    found: [] as Undecided[],
  };
  const looked: string[] = [];
  let announce: (entries: readonly LogEntry[], upTo: number) => void = () => {};
  const unacked = createUnacked({
    store: {
      async pendingBetween(after, upTo) {
        state.stretches.push(`${after}-${upTo}`);
        if (state.fails) throw new Error("planted");
        return { recipients: log.filter(({ n }) => n > after && n <= upTo), readers: [], blockers: [] };
      },
      addressUsers: async () => {},
      undecided: async (users) => (looked.push(...users.map(({ user }) => user)), state.found),
      enqueue: async () => {},
      wakeRead: async () => true,
      wakeBlocked: async () => false,
    },
    feed: { onEntries: (listener) => void (announce = listener), position: () => state.head },
    ...{ clock, limits: { pushUsersMax: usersMax, ackMessagesMax: 100 }, holder: () => "me" },
    ...{ delays: { activeMs: 1_000, idleMs: 5_000, expiryMs: 1e9 }, providers: new Set(["fcm"]), userProviders: [] },
    ...{
      presenceOf: () => "none" as const,
      isAvailable: () => state.isAvailable,
      onDue: () => void state.due++,
      report: () => void state.faults++,
    },
  });
  const grow = (entries: readonly LogEntry[], upTo: number): void => {
    state.head = upTo;
    announce(entries, upTo);
  };
  return { clock, state, looked, unacked, grow };
}

test("U5 it reads the log from its position, and then follows what the feed announces", async () => {
  const { clock, state, looked, unacked, grow } = start({ log: [{ tenant: "t", user: "carol", n: 7 }] });
  unacked.start(3);
  await clock.advance(0);
  expect([state.stretches, unacked.position(), unacked.sizes().recipients]).toEqual([["3-10"], 6, 1]);
  grow([message(11)], 11);
  expect(unacked.position()).toBe(6);
  await clock.advance(50);
  expect([looked, unacked.position(), unacked.sizes().recipients]).toEqual([["carol", "bob"], 11, 0]);
});

test("U80 nobody waits for a message to oneself", async () => {
  const { clock, looked, unacked, grow } = start();
  unacked.start(10);
  await clock.advance(0);
  const [entry] = [message(11)];
  const change = { ...entry.change, from: "bob" } as LogEntry["change"];
  grow([{ ...entry, users: ["bob"], change }], 11);
  await clock.advance(50);
  expect([looked, unacked.position(), unacked.sizes().recipients]).toEqual([[], 11, 0]);
});

test("U1 a message that is due is announced to the queues, and its user stays until there is nothing left", async () => {
  const { clock, state, unacked, grow } = start();
  unacked.start(10);
  await clock.advance(0);
  state.found = [{ i: 0, address: 1, provider: "fcm", device: "phone", n: 11, count: 1 }];
  grow([message(11)], 11);
  await clock.advance(100);
  expect([state.due > 0, unacked.sizes().recipients]).toEqual([true, 1]);
  state.found = [];
  await clock.advance(200);
  expect(unacked.sizes().recipients).toBe(0);
});

test("U2 a read is looked at after its delay", async () => {
  const { clock, state, unacked, grow } = start();
  unacked.start(10);
  await clock.advance(0);
  grow(
    [
      {
        tenant: "t",
        users: ["bob"],
        change: { kind: "receipt", n: 11, conversation: "c1", user: "bob", delivered: 3, read: 3 },
      },
    ],
    11,
  );
  expect(unacked.sizes().readers).toBe(1);
  await clock.advance(999);
  expect(state.due).toBe(0);
  await clock.advance(1);
  expect([state.due, unacked.sizes().readers, unacked.position()]).toEqual([1, 0, 11]);
});

test("U5 R1 with as many users as it may hold it takes no more, and reads the rest of the log later", async () => {
  const { clock, state, looked, unacked, grow } = start({ usersMax: 2, log: [{ tenant: "t", user: "dave", n: 13 }] });
  unacked.start(10);
  await clock.advance(0);
  grow([message(11, "bob"), message(12, "carol")], 12);
  grow([message(13, "dave")], 13);
  expect([unacked.sizes().recipients, unacked.position()]).toEqual([2, 10]);
  await clock.advance(200);
  expect([looked, state.stretches.at(-1), unacked.position()]).toEqual([["bob", "carol", "dave"], "12-13", 13]);
});

test("S12 while the store is away nothing is looked at; a fault is reported and tried again", async () => {
  const { clock, state, looked, unacked, grow } = start();
  state.fails = true;
  unacked.start(3);
  await clock.advance(0);
  expect([state.faults, unacked.position()]).toEqual([1, 3]);
  state.fails = false;
  await clock.advance(1_000);
  expect([unacked.position(), state.stretches]).toEqual([10, ["3-10", "3-10"]]);
  state.isAvailable = false;
  grow([message(11)], 11);
  await clock.advance(900);
  expect(looked).toEqual([]);
  state.isAvailable = true;
  await clock.advance(200);
  expect(looked).toEqual(["bob"]);
});

test("U8 without the lease it holds nothing and looks at nothing", async () => {
  const { clock, looked, unacked, grow } = start();
  grow([message(11)], 11);
  expect([unacked.position(), unacked.sizes().recipients]).toEqual([0, 0]);
  unacked.start(11);
  await clock.advance(0);
  grow([message(12)], 12);
  unacked.stop();
  await clock.advance(5_000);
  expect([looked, unacked.position()]).toEqual([[], 0]);
});
