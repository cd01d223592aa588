import { expect, test } from "bun:test";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createList } from "../../../src/client/sync/list.ts";
import { createWishes } from "../../../src/client/sync/wishes.ts";
import type { OutboxRow } from "../../../src/client/vault/rows.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { keepNothing } from "./keeping.ts";
import { conversationRow, writtenOf } from "./rows.ts";

function setupList(count: number) {
  const cache = createCache();
  const faults: unknown[] = [];
  const list = createList({
    ...{ clock: fakeClock(), self: "alice", cache, onFault: (fault: unknown) => void faults.push(fault) },
    keeper: keepNothing(),
    pages: {
      beginning: async () => null,
      messages: async () => null,
      conversations: async () => null,
      conversation: async () => null,
    },
    wishes: {
      ...{ read: async () => {}, want: async () => {}, mute: () => null, relations: () => [] },
      ...{ begin() {}, refused() {}, end() {} },
    },
  });
  const rows = Array.from({ length: count }, (_, at) => conversationRow(at + 1));
  cache.boot({
    meta: { device: "d", cursor: null, level: 0, identity: null },
    outbox: [],
    wishes: [],
    conversations: rows.toReversed(),
  });
  return { cache, list, faults, rows };
}

const fail = (): never => {
  throw new Error("not used");
};
const noNews = { messages: [], wishes: [], granted: [] };

test("J1 a listener of one conversation that throws stops neither the client nor another listener", () => {
  const { cache, list, faults, rows } = setupList(2);
  let calls = 0;
  const count = (): void => void calls++;
  const shown = list.conversation("c1");
  shown.subscribe(() => {
    throw new Error("mine");
  });
  const end = shown.subscribe(count);
  shown.subscribe(count);
  cache.apply(writtenOf([{ ...rows[0], unread: 1 }]), noNews);
  expect([calls, faults.length]).toEqual([2, 1]);
  end();
  cache.apply(writtenOf([{ ...rows[0], unread: 2 }]), noNews);
  expect(calls).toBe(3);
});

test("J11 the list and its sums follow each change, as if they were made anew", () => {
  const { cache, list, rows } = setupList(20);
  for (let step = 0; step < 200; step++) {
    const at = (step * 7) % 20;
    const known = cache.conversations.get(`c${at + 1}`) ?? rows[at];
    const isMoved = step % 3 === 0;
    const next = { ...known, unread: step % 4, isExact: step % 5 > 0, ...(isMoved && { rank: 100 + step }) };
    cache.apply(writtenOf([next]), noNews);
    const expected = [...cache.conversations.values()].sort((a, b) => b.rank - a.rank);
    expect(list.conversations.get().conversations.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    expect(list.unread.get()).toEqual({
      messages: expected.reduce((sum, row) => sum + row.unread, 0),
      conversations: expected.filter((row) => row.unread > 0).length,
      isExact: false,
    });
  }
  const before = list.conversations.get().conversations;
  cache.apply(writtenOf([conversationRow(21, { rank: 1_000 })]), noNews);
  const after = list.conversations.get().conversations;
  expect(after[0]?.id).toBe("c21");
  for (const one of before) expect(after.includes(one)).toBe(true);
});

test("J11 what is read again and has not changed is the same object, in the list, the outbox and the relations", () => {
  const { cache, list } = setupList(3);
  const row: OutboxRow = { id: "1", kind: "send", target: { with: "bob" }, text: "t", time: 1, isTried: true };
  const wishes = createWishes({
    ...{ clock: fakeClock(), cache, onFault: fail, link: { send: () => false, ask: async () => fail() } },
    keeper: keepNothing(),
  });
  const read = (): readonly unknown[] => {
    cache.boot({
      meta: { device: "d", cursor: null, level: 0, identity: null },
      ...{ outbox: [{ ...row }], wishes: [], conversations: [3, 2, 1].map((number) => conversationRow(number)) },
    });
    cache.setRelations([{ user: "bob", contact: true, blocked: false }]);
    return [...list.conversations.get().conversations, cache.pending.get("1"), wishes.relations()];
  };
  const first = read();
  read().forEach((one, at) => expect(one).toBe(first[at]));
  const mark = { key: "read c1", kind: "read", conversation: "c1", seq: 1, id: "m1" } as const;
  cache.apply(writtenOf([]), { ...noNews, wishes: [mark] });
  expect(wishes.relations()).toBe(first.at(-1) as never);
  cache.apply({ ...writtenOf([]), relations: [{ user: "bob", contact: true, blocked: true }] }, noNews);
  expect(wishes.relations()).toEqual([{ user: "bob", contact: true, blocked: true }]);
});

test("J11 a message among 10,000 conversations costs less than a millisecond", () => {
  const { cache, list } = setupList(10_000);
  expect(list.conversations.get().conversations).toHaveLength(10_000);
  const turn = (step: number): void => {
    const known = cache.conversations.get(`c${(step * 97) % 10_000 || 1}`);
    if (known !== undefined) cache.apply(writtenOf([{ ...known, rank: 20_000 + step, unread: 1 }]), noNews);
  };
  for (let step = 0; step < 50; step++) turn(step);
  const costs = Array.from({ length: 100 }, (_, at) => {
    const start = performance.now();
    turn(50 + at);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  // The median, so that a turn of another process counts for nothing.
  expect(costs[50]).toBeLessThan(1);
});

test("J11 a write that names 500 of 10,000 conversations makes one snapshot", () => {
  const { cache, list, rows } = setupList(10_000);
  let calls = 0;
  list.conversations.subscribe(() => void calls++);
  const start = performance.now();
  cache.apply(writtenOf(rows.slice(0, 500).map((row, at) => ({ ...row, rank: 20_000 + at }))), noNews);
  expect(calls).toBe(1);
  expect(performance.now() - start).toBeLessThan(200);
  expect(list.conversations.get().conversations[0]?.id).toBe("c500");
});
