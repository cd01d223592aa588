import { expect, test } from "bun:test";
import { deferred } from "../../../src/internal/deferred.ts";
import { createCallOrder } from "../../../src/store/engine/call-order.ts";

test("E48 a call runs at once where no other one is under way", async () => {
  const order = createCallOrder();
  const begun: number[] = [];
  const first = order.run(() => void begun.push(1));
  expect(begun).toEqual([1]);
  await first;
  expect(order.isBusy()).toBe(false);
  const second = order.run(() => void begun.push(2));
  expect(begun).toEqual([1, 2]);
  await second;
});

test("E48 calls run one at a time, in the order in which they are made, whatever becomes of those before", async () => {
  const order = createCallOrder();
  const gates = [deferred<void>(), deferred<void>()] as const;
  const events: string[] = [];
  const call = (name: string, task: () => unknown): Promise<unknown> =>
    order.run(async () => {
      events.push(`${name} begins`);
      await task();
      events.push(`${name} ends`);
      return name;
    });
  const calls = [
    call("a", () => gates[0].promise),
    call("b", () => gates[1].promise),
    order.run(() => {
      throw new Error("c fails");
    }),
    call("d", () => undefined),
  ] as const;
  const all = Promise.allSettled(calls);
  await Promise.resolve();
  expect(events).toEqual(["a begins"]);
  gates[0].resolve(undefined);
  expect(await calls[0]).toBe("a");
  gates[1].reject(new Error("b fails"));
  const outcomes = await all;
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(events).toEqual(["a begins", "a ends", "b begins", "d begins", "d ends"]);
  expect(order.isBusy()).toBe(false);
});
