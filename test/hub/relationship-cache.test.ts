import { expect, test } from "bun:test";
import { createRelationshipCache, isBlockedBetween } from "../../src/hub/relationship-cache.ts";
import type { Identity, LogEntry, Relationship } from "../../src/model.ts";

const none: Relationship = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: false };
const of = (user: string): Identity => ({ tenant: "t", user });

/** A store in which some users have blocked others. */
function start(blocks: string[] = []) {
  const asked: string[] = [];
  const changes: string[] = [];
  let announce: (entries: readonly LogEntry[], upTo: number) => void = () => {};
  let waits: Promise<void> = Promise.resolve();
  const cache = createRelationshipCache({
    store: {
      async relationships({ user }, others) {
        asked.push(`${user}: ${others.join(" ")}`);
        const answer = others.map((other) => ({
          ...none,
          hasBlocked: blocks.includes(`${user} ${other}`),
          isBlocked: blocks.includes(`${other} ${user}`),
        }));
        await waits;
        return answer;
      },
    },
    feed: { onEntries: (listener) => void (announce = listener) },
    clock: { defer: (task) => void setImmediate(task) },
    onChange: (tenant, one, other) => void changes.push(`${tenant} ${one} ${other}`),
  });
  const entry = (user: string, other: string): LogEntry => ({
    ...{ tenant: "t", users: [user] },
    change: { kind: "relation", n: 1, user: other, contact: false, blocked: true },
  });
  return {
    ...{ cache, asked, changes },
    change: (user: string, other: string) => announce([entry(user, other)], 1),
    hold: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waits = promise;
      return resolve;
    },
  };
}

test("B3 presence and typing go neither way while one has blocked the other", () => {
  expect([{}, { hasBlocked: true }, { isBlocked: true }].map((part) => isBlockedBetween({ ...none, ...part }))).toEqual(
    [false, true, true],
  );
});

test("B3 a pair is asked for once, and known from both sides", async () => {
  const { cache, asked } = start(["alice bob"]);
  expect(await cache.of(of("alice"), ["bob", "carol"])).toMatchObject([{ hasBlocked: true, isBlocked: false }, none]);
  expect(await cache.of(of("alice"), ["carol", "bob"])).toMatchObject([none, { hasBlocked: true }]);
  expect(await cache.of(of("bob"), ["alice"])).toMatchObject([{ hasBlocked: false, isBlocked: true }]);
  expect(asked).toEqual(["alice: bob carol"]);
  // Users of the same names in another tenant.
  await cache.of({ tenant: "u", user: "alice" }, ["bob"]);
  expect(asked).toHaveLength(2);
  expect(await cache.of(of("alice"), [])).toEqual([]);
});

test("R23 all pairs of one user are one question, also where others ask about that user", async () => {
  const { cache, asked } = start(["bob star", "star carol"]);
  const found = await cache.ofMany([
    { identity: of("bob"), others: ["star", "dave"] },
    { identity: of("carol"), others: ["star"] },
    { identity: of("eve"), others: ["star"] },
  ]);
  expect(asked.toSorted()).toEqual(["bob: dave", "star: bob carol eve"]);
  expect(found).toMatchObject([[{ hasBlocked: true }, none], [{ isBlocked: true }], [none]]);
});

test("B3 a change in the log is asked for again, and is reported", async () => {
  const blocks: string[] = [];
  const { cache, asked, changes, change } = start(blocks);
  await cache.of(of("bob"), ["alice"]);
  blocks.push("alice bob");
  change("alice", "bob");
  expect(await cache.of(of("bob"), ["alice"])).toMatchObject([{ isBlocked: true }]);
  expect([asked.length, changes]).toEqual([2, ["t alice bob"]]);
});

test("B3 T3 an answer that was under way during a change is not remembered", async () => {
  const blocks: string[] = [];
  const { cache, asked, change, hold } = start(blocks);
  const resume = hold();
  const early = cache.of(of("alice"), ["bob"]);
  blocks.push("alice bob");
  change("alice", "bob");
  resume();
  expect(await early).toMatchObject([none]);
  expect(await cache.of(of("alice"), ["bob"])).toMatchObject([{ hasBlocked: true }]);
  expect(asked.length).toBe(2);
});
