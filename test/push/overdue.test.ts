import { expect, test } from "bun:test";
import type { PushPresence } from "../../src/push/decide.ts";
import { createLogAge } from "../../src/push/log-age.ts";
import { createOverdueCheck } from "../../src/push/overdue.ts";
import type { PendingUser } from "../../src/push/pending.ts";
import type { Undecided } from "../../src/store/push/unacked-store.ts";
import { fakeClock } from "../support/fake-clock.ts";

const delays = { activeMs: 1_000, idleMs: 5_000, expiryMs: 1e9 };
const user = (name: string, n = 10): PendingUser => ({
  identity: { tenant: "t", user: name },
  n,
  dueAt: 0,
  marks: 0,
  isAway: false,
});
const address = (fields: Partial<Undecided> = {}): Undecided => ({
  i: 0,
  address: 1,
  provider: "fcm",
  device: "phone",
  n: 10,
  count: 1,
  ...fields,
});

/** A log that reached 10 at time 0, and 20 at time 3 000. It is 4 000 now. */
async function start(
  found: readonly Undecided[],
  { presence = "none", userProviders = [] }: { presence?: PushPresence | "unknown"; userProviders?: string[] } = {},
) {
  const clock = fakeClock(0);
  const logAge = createLogAge(clock, { stepMs: 100, keptMs: 10_000 });
  logAge.note(10);
  await clock.advance(3_000);
  logAge.note(20);
  await clock.advance(1_000);
  const enqueued: unknown[] = [];
  const addressed: unknown[] = [];
  const state = { isCurrent: true, onUndecided: () => {} };
  const check = createOverdueCheck({
    store: {
      undecided: async () => (state.onUndecided(), found),
      addressUsers: async (...args) => void addressed.push(args),
      enqueue: async (_holder, list) =>
        void enqueued.push(list.map(({ address, upTo }) => `${address}:${upTo}`).join(" ")),
    },
    ...{ clock, limits: { ackMessagesMax: 100 }, delays, logAge, holder: () => "me" },
    ...{ providers: new Set(["fcm"]), userProviders, presenceOf: () => presence },
  });
  return { clock, state, enqueued, addressed, look: (...users: PendingUser[]) => check(users, () => state.isCurrent) };
}

test("U1 a device without a connection is notified of everything at once, and its user is looked at no more", async () => {
  const { enqueued, look } = await start([address({ n: null }), address({ address: 2, n: 20, count: 3 })]);
  const bob = user("bob");
  expect(await look(bob)).toEqual({ isAnyDue: true, done: [] });
  // There may be more after those that became due: the next look finds them.
  expect([enqueued, bob.isAway, bob.dueAt]).toEqual([["2:20"], true, 4_000]);
  const done = await start([address({ n: null })]);
  expect(await done.look(bob)).toEqual({ isAnyDue: false, done: [bob] });
});

test("U1 a connected device has its delay to ack, and becomes due as of the age of the log", async () => {
  const active = await start([address({ n: 10 })], { presence: "active" });
  const bob = user("bob");
  expect(await active.look(bob)).toMatchObject({ isAnyDue: true });
  // Both positions are a second old; neither is old enough for an idle device.
  expect(active.enqueued).toEqual(["1:20"]);
  const idle = await start([address({ n: 10 })], { presence: "idle" });
  expect(await idle.look(bob)).toEqual({ isAnyDue: false, done: [] });
  expect([idle.enqueued, bob.n, bob.dueAt, bob.isAway]).toEqual([[], 10, 5_000, false]);
  const later = await start([address({ n: 20 })], { presence: "idle" });
  await later.look(bob);
  expect(bob.dueAt).toBe(8_000);
});

test("U1 while another node is asked for the presence nothing is due, and the user is looked at soon", async () => {
  const { enqueued, look } = await start([address()], { presence: "unknown" });
  const bob = user("bob");
  expect([await look(bob), enqueued, bob.dueAt, bob.isAway]).toEqual([{ isAnyDue: false, done: [] }, [], 4_100, true]);
});

test("U1 of several devices the earliest counts, and addresses of other providers do not", async () => {
  const { look } = await start(
    [address({ n: 20 }), address({ n: 10, address: 2 }), address({ n: 5, provider: "other" }), address({ i: 9 })],
    { presence: "idle" },
  );
  const bob = user("bob");
  await look(bob);
  expect([bob.n, bob.dueAt]).toEqual([10, 5_000]);
});

test("U5 U1 a user who was marked during the look is looked at again", async () => {
  const { state, look } = await start([]);
  const [bob, carol] = [user("bob"), user("carol")];
  state.onUndecided = () => void bob.marks++;
  expect(await look(bob, carol)).toEqual({ isAnyDue: false, done: [carol] });
  expect(bob.dueAt).toBe(4_000);
});

test("U28 a commit makes a bounded number of messages due, and an address with very many has one of its own", async () => {
  const many = await start([60, 30, 20, 64, 10].map((count, i) => address({ address: i + 1, count })));
  await many.look(user("bob"));
  expect(many.enqueued).toEqual(["1:20 2:20", "3:20", "4:20", "5:20"]);
});

test("U8 a node that has lost the lease stops, and keeps its users", async () => {
  const { state, enqueued, look } = await start([address(), address({ address: 2 })]);
  state.onUndecided = () => void (state.isCurrent = false);
  expect([await look(user("bob")), enqueued]).toEqual([null, []]);
});

test("U15 users of a provider without addresses get one before they are looked at", async () => {
  const { addressed, look } = await start([], { userProviders: ["onesignal"] });
  await look(user("bob", 7));
  expect(addressed).toMatchObject([["me", [{ tenant: "t", user: "bob", n: 7 }], { providers: ["onesignal"] }]]);
});
