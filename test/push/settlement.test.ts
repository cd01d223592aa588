import { describe, expect, test } from "bun:test";
import { createSettlement } from "../../src/push/settlement.ts";
import type { Due, Verdict } from "../../src/store/push/due-store.ts";
import { fakeClock } from "../support/fake-clock.ts";

/** A verdict about the notice of an address. */
const verdictOf = (address: number): Verdict => ({
  due: { address } as Due,
  ...{ until: null, isDone: true, attempts: 0 },
});

/** A settlement over a store that answers when the test says so. */
function start({ verdictsMax = 10 } = {}) {
  const clock = fakeClock();
  const lease = { name: "first", lost: 0 };
  const writes: { holder: string; addresses: number[]; end: ReturnType<typeof Promise.withResolvers<boolean>> }[] = [];
  const kept: number[][] = [];
  const faults: unknown[] = [];
  const state = { isLast: false };
  const settlement = createSettlement({
    clock,
    verdictsMax,
    lease: { holder: () => lease.name, lose: () => lease.lost++ },
    store: {
      settle(holder, verdicts) {
        const end = Promise.withResolvers<boolean>();
        writes.push({ holder, addresses: verdicts.map(({ due }) => due.address), end });
        return end.promise;
      },
    },
    isLast: () => state.isLast,
    onKept: (dues) => kept.push(dues.map(({ address }) => address)),
    report: (fault) => faults.push(fault),
  });
  const add = (address: number, holder = lease.name): void => {
    settlement.add(holder, verdictOf(address));
    settlement.schedule();
  };
  return { clock, lease, writes, kept, faults, state, settlement, add };
}

describe("the settlement of verdicts", () => {
  test("U7 keeps the verdicts of a short time in one write, and those of its duration in the next", async () => {
    const { clock, writes, kept, add } = start();
    for (const address of [1, 2]) add(address);
    expect(writes).toEqual([]);
    await clock.advance(20);
    add(3);
    await clock.advance(1_000);
    expect(writes.map(({ addresses }) => addresses)).toEqual([[1, 2]]);
    writes[0]?.end.resolve(true);
    await clock.advance(0);
    await clock.advance(20);
    expect(writes.map(({ addresses }) => addresses)).toEqual([[1, 2], [3]]);
    expect(kept).toEqual([[1, 2]]);
  });

  test("U7 writes at once when there are many, or when no more can come", async () => {
    const few = start({ verdictsMax: 2 });
    few.add(1);
    expect(few.writes.length).toBe(0);
    const full = start({ verdictsMax: 1 });
    full.add(1);
    expect(full.writes.length).toBe(1);
    const last = start();
    last.state.isLast = true;
    last.add(1);
    expect(last.writes.length).toBe(1);
  });

  test("U5 is not idle while a write is under way", async () => {
    const { clock, writes, settlement, add } = start();
    expect(settlement.isIdle()).toBe(true);
    add(1);
    await clock.advance(20);
    expect([settlement.size(), settlement.isIdle()]).toEqual([0, false]);
    writes[0]?.end.resolve(true);
    await clock.advance(0);
    expect(settlement.isIdle()).toBe(true);
  });

  test("U5 keeps verdicts again after a failed write, with those that came meanwhile", async () => {
    const { clock, writes, kept, faults, add } = start();
    add(1);
    await clock.advance(20);
    add(2);
    writes[0]?.end.reject(new Error("away"));
    await clock.advance(0);
    await clock.advance(1_100);
    expect([faults.length, kept]).toEqual([1, [[]]]);
    expect(writes.map(({ addresses }) => addresses)).toEqual([[1], [1, 2]]);
  });

  test("U8 writes no verdict of an earlier lease, and loses a lease that another node has taken", async () => {
    const { clock, lease, writes, kept, add } = start();
    add(1, "earlier");
    add(2);
    await clock.advance(20);
    expect(writes.map(({ addresses }) => addresses)).toEqual([[2]]);
    writes[0]?.end.resolve(false);
    await clock.advance(0);
    expect([lease.lost, kept]).toEqual([1, [[1, 2]]]);
  });
});
