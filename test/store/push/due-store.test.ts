import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Due, Verdict } from "../../../src/store/push/due-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { openSmallStore } from "../../support/small-store.ts";
import { accepted, person } from "../../support/store.ts";

const me = "this node";
let small: Awaited<ReturnType<typeof openSmallStore>>;
let store: Store;
let [first, last] = [0, 0];

beforeAll(async () => {
  small = await openSmallStore();
  ({ store } = small);
  await store.push.take(me, await store.push.worker());
  await store.devices.putDevice(person("bob"), "phone", {
    address: { provider: "p", token: "t1", hash: "h1", expiresAt: 9e12 },
    notify: false,
    now: 7,
  });
  ({ n: first } = await accepted(store, { from: "alice", to: "bob", text: "1" }));
  ({ n: last } = await accepted(store, { from: "alice", to: "bob", text: "2" }));
  const addresses = await store.push.undecided([person("bob")]);
  await store.push.enqueue(
    me,
    addresses.map(({ address }) => ({ address, upTo: last })),
  );
});
afterAll(() => small.close());

const due = async (now = 100): Promise<Due> => {
  const [found] = await store.push.due("p", now, 10);
  if (!found) throw new Error("nothing is due");
  return found;
};
const verdict = (of: Due, fields: Partial<Verdict> = {}): Verdict => ({
  due: of,
  until: null,
  isDone: true,
  attempts: 0,
  ...fields,
});

test("U22 a due notice has all facts of a decision about its newest message", async () => {
  expect(await due()).toMatchObject({
    ...{
      provider: "p",
      tenant: "default",
      user: "bob",
      device: "phone",
      token: "t1",
      hash: "h1",
      refreshed: 7,
      expiresAt: 9e12,
    },
    ...{
      message: { from: "alice", text: "2" },
      n: last,
      seq: 2,
      first: 1,
      attempts: 0,
      shown: 0,
      acked: 0,
      isOff: true,
    },
    ...{ read: 0, mutedUntil: null, quietHours: null, isBlocked: false, unread: 2 },
  });
  expect((await due()).since).toEqual({ type: "position", n: (await due()).n >= first ? first : last });
  expect([
    await store.push.due("other", 100, 10),
    await store.push.isWaiting(["p"]),
    await store.push.isWaiting(["other"]),
  ]).toEqual([[], true, false]);
});

test("U9 a mute without an end has none, and one that is over is none", async () => {
  const { conversation } = await due();
  await store.devices.mute(person("bob"), conversation, "forever");
  expect((await due()).mutedUntil).toBe(Infinity);
  await store.devices.mute(person("bob"), conversation, 500);
  expect((await due()).mutedUntil).toBe(500);
  await store.devices.mute(person("bob"), conversation, null);
});

test("U26 U69 each user is counted once, without muted conversations, and unknown users have nothing", async () => {
  const users = [person("bob"), person("nobody"), person("bob"), person("bob", "other")];
  expect(await store.push.badges(users, 100)).toEqual([2, 0, 2, 0]);
  const { conversation } = await due();
  await store.devices.mute(person("bob"), conversation, "forever");
  expect(await store.push.badges([person("bob")], 100)).toEqual([0]);
  await store.devices.mute(person("bob"), conversation, null);
});

test("U7 U12 a verdict that waits makes the notice due at its time, and not before", async () => {
  const now = await due();
  const waits = verdict(now, {
    until: 5_000_000,
    isDone: false,
    attempts: 3,
    log: { decision: "wait", reason: "retrying", answer: "503" },
  });
  expect(await store.push.settle(me, [waits], 100)).toBe(true);
  expect(await store.push.due("p", 4_999_999, 10)).toEqual([]);
  expect(await due(5_000_000)).toMatchObject({ attempts: 3, since: { type: "time", time: 5_000_000 } });
});

test("U8 a verdict of a node that has lost the lease is not kept", async () => {
  expect(await store.push.settle("another node", [verdict(await due(5_000_000), { shown: 2 })], 200)).toBe(false);
  expect((await due(5_000_000)).shown).toBe(0);
});

test("U10 a verdict that is done ends the notice, and its decision can be explained", async () => {
  const now = await due(5_000_000);
  const sent = verdict(now, { shown: now.seq, log: { decision: "send", reason: "sent", answer: "ok" } });
  expect([await store.push.settle(me, [sent], 300), await store.push.due("p", 6_000_000, 10)]).toEqual([true, []]);
  const { log } = await store.push.explained(person("bob"), now.message?.id ?? "");
  expect(log.at(-1)).toMatchObject({ decision: "send", reason: "sent", answer: "ok", time: 300, seq: 2 });
});

test("U7 an address that its provider calls dead goes, unless it was registered again meanwhile", async () => {
  const { n } = await accepted(store, { from: "alice", to: "bob", text: "3" });
  const enqueue = async () => {
    const addresses = await store.push.undecided([person("bob")]);
    await store.push.enqueue(
      me,
      addresses.map(({ address }) => ({ address, upTo: n })),
    );
  };
  await enqueue();
  const before = await due(5_000_000);
  await store.devices.putDevice(person("bob"), "phone", {
    address: { provider: "p", token: "t1", hash: "h1" },
    now: 400,
  });
  await store.push.settle(me, [verdict(before, { isDead: true })], 500);
  expect(await store.push.undecided([person("bob")])).toHaveLength(1);
  await store.push.settle(me, [verdict(await due(5_000_000), { isDead: true })], 600);
  expect(await store.push.undecided([person("bob")])).toEqual([]);
});
