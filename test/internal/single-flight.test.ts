import { describe, expect, test } from "bun:test";
import { createSingleFlight } from "../../src/internal/single-flight.ts";

/** Work that ends when the test says so. */
function heldWork() {
  const ends: { readonly resolve: () => void; readonly reject: (fault: unknown) => void }[] = [];
  const work = (): Promise<void> => new Promise((resolve, reject) => void ends.push({ resolve, reject }));
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return { work, ends, turn };
}

describe("single flight", () => {
  test("runs once at a time, and once more however often it was asked for meanwhile", async () => {
    const { work, ends, turn } = heldWork();
    const run = createSingleFlight(work, () => {});
    for (let i = 0; i < 5; i++) run();
    expect(ends).toHaveLength(1);
    ends[0]?.resolve();
    await turn();
    expect(ends).toHaveLength(2);
    ends[1]?.resolve();
    await turn();
    expect(ends).toHaveLength(2);
    run();
    expect(ends).toHaveLength(3);
  });

  test("reports what the work rejects with, and runs again all the same", async () => {
    const { work, ends, turn } = heldWork();
    const faults: unknown[] = [];
    const run = createSingleFlight(work, (fault) => void faults.push(fault));
    run();
    run();
    ends[0]?.reject("planted");
    await turn();
    expect([faults, ends.length]).toEqual([["planted"], 2]);
  });
});
