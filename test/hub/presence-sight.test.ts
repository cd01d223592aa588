import { expect, test } from "bun:test";
import { createPresenceSight } from "../../src/hub/presence-sight.ts";
import { SmallSet } from "../../src/hub/small-set.ts";
import type { Subject, Viewer, Watch } from "../../src/hub/watch.ts";
import type { Relationship } from "../../src/model.ts";
import { fakeClock } from "../support/fake-clock.ts";

const none: Relationship = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: false };
const viewerOf = (user = "viewer"): Viewer => ({
  ...{ session: { tenant: "t", user }, isOpen: () => true },
  outgoing: { sendVolatile: () => true, isBehind: () => false },
});
const viewer = viewerOf();

function start(canSee?: (subject: string) => boolean) {
  const clock = fakeClock(0, async () => {});
  const subjects = new Map<string, Subject>();
  for (const user of ["bob", "carol"])
    subjects.set(user, { identity: { tenant: "t", user }, watchers: new SmallSet(), moves: 0, seen: null });
  const [online, left, stored, asked] = [
    new Set<string>(),
    new Map<string, number>(),
    new Map([["bob", 500]]),
    [] as string[],
  ];
  const sight = createPresenceSight({
    store: { lastSeen: async (_tenant, users) => (asked.push(users.join(" ")), stored) },
    policy: canSee ? { canSee: async (_viewer, { user }) => canSee(user) } : {},
    clock,
    isHere: ({ user }) => online.has(user),
    leftAt: ({ user }) => left.get(user) ?? 0,
    subjectOf: (_viewer, user) => subjects.get(user),
  });
  const watch: Watch = { viewer, users: new Map(), stale: new Set(), phase: "notifying" };
  const read = (users: readonly string[], found: readonly Relationship[]) =>
    sight.readSeen([{ watch, users }], [found]);
  return { clock, subjects, online, left, stored, asked, sight, read };
}
const contact = { ...none, isContact: true };

test("B8 a viewer sees themselves, contacts, and those with whom they have a conversation, and nobody across a block", () => {
  const { sight } = start();
  const may = (relationship?: Relationship, user = "bob") => sight.visibility(viewer, user, relationship);
  expect([may(undefined, "viewer"), may(), may(none)]).toEqual([true, false, false]);
  expect([may(contact), may({ ...none, hasConversation: true })]).toEqual([true, true]);
  expect([may({ ...contact, hasBlocked: true }), may({ ...contact, isBlocked: true })]).toEqual([false, false]);
});

test("B9 a host with a rule is asked about all others, except across a block", async () => {
  const { sight } = start((user) => user === "bob");
  expect([sight.visibility(viewer, "bob", none), sight.visibility(viewer, "viewer", none)]).toEqual(["ask", true]);
  expect(sight.visibility(viewer, "bob", { ...contact, isBlocked: true })).toBe(false);
  expect([await sight.mayHostShow(viewer, "bob"), await sight.mayHostShow(viewer, "carol")]).toEqual([true, false]);
  expect(await start().sight.mayHostShow(viewer, "bob")).toBe(false);
});

test("B7 a state is online, the later of the known times, or offline without one", async () => {
  const { sight, subjects, online, left } = start();
  const state = () => sight.stateOf(viewer, "bob");
  expect([sight.stateOf(viewer, "nobody"), state()]).toEqual(["offline", null]);
  const bob = subjects.get("bob");
  if (bob) bob.seen = { time: 500, readAt: 0 };
  expect(state()).toBe(500);
  left.set("bob", 900);
  expect(state()).toBe(900);
  online.add("bob");
  expect(state()).toBe("online");
  const carol = subjects.get("carol");
  if (carol) carol.seen = { time: 0, readAt: 0 };
  expect(sight.stateOf(viewer, "carol")).toBe("offline");
});

test("B7 R23 the store is asked once for all, only for absent users whom a viewer may see", async () => {
  const { sight, subjects, online, asked, read } = start();
  await read(["bob", "carol", "nobody"], [contact, contact, contact]);
  expect([asked, subjects.get("bob")?.seen?.time, subjects.get("carol")?.seen?.time]).toEqual([["bob carol"], 500, 0]);
  const other = start();
  other.online.add("bob");
  await other.read(["bob", "carol"], [contact, none]);
  expect([other.asked, online.size, sight.stateOf(viewer, "bob")]).toEqual([[], 0, 500]);
});

test("B7 R23 a time from the store holds for five seconds, and not for a user who moved meanwhile", async () => {
  const { clock, subjects, asked, read } = start();
  await read(["bob"], [contact]);
  await clock.advance(4_999);
  await read(["bob"], [contact]);
  expect(asked.length).toBe(1);
  await clock.advance(1);
  const bob = subjects.get("bob");
  const reading = read(["bob"], [contact]);
  if (bob) [bob.moves, bob.seen] = [1, null];
  await reading;
  expect([asked.length, bob?.seen]).toEqual([2, null]);
});
