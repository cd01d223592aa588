import { expect, test } from "bun:test";
import fc from "fast-check";
import { createTurns } from "../../src/internal/turns.ts";

/** Turns with defers that the test runs. */
function start(unitsMax: number) {
  const due: (() => void)[] = [];
  const turns = createTurns({ clock: { defer: (task) => void due.push(task) }, unitsMax });
  const nextTurn = async (): Promise<boolean> => {
    const now = due.splice(0);
    for (const task of now) task();
    await Promise.resolve();
    return now.length > 0;
  };
  return { turns, nextTurn };
}

test("R43 of one turn no more begins than fits, and the names take turns however much waits under one of them", async () => {
  const item = fc.record({ name: fc.constantFrom("a", "a", "a", "b", "c"), units: fc.integer({ min: 1, max: 12 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 60 }), async (items) => {
      const { turns, nextTurn } = start(10);
      let begun: { name: string; units: number; i: number }[] = [];
      for (const [i, { name, units }] of items.entries()) {
        const waits = turns.take(name, units);
        if (waits) void waits.then(() => begun.push({ name, units, i }));
        else begun.push({ name, units, i });
      }
      const all: (typeof begun)[] = [];
      do {
        all.push(begun);
        begun = [];
      } while (await nextTurn());
      for (const turn of all) {
        const units = turn.reduce((sum, one) => sum + one.units, 0);
        expect(units <= 10 || turn.length === 1).toBe(true);
      }
      const order = all.flat();
      expect(order.length).toBe(items.length);
      for (const name of ["a", "b", "c"]) {
        const own = order.filter((one) => one.name === name).map(({ i }) => i);
        expect(own).toEqual(own.toSorted((x, y) => x - y));
      }
      expect(turns.size()).toBe(0);
    }),
  );
});

/** Where the first of `b` begins, behind a hundred of `a` that came before it. */
async function placeOfSecond(nameOf: (name: string) => string): Promise<number> {
  const { turns, nextTurn } = start(1);
  const order: string[] = [];
  for (const name of [...Array.from({ length: 100 }, () => "a"), "b"])
    void Promise.resolve(turns.take(nameOf(name), 1)).then(() => order.push(name));
  while (await nextTurn());
  return order.indexOf("b");
}

test("R43 R2 a user behind a hundred frames of another one is next but one", async () => {
  expect(await placeOfSecond((name) => name)).toBeLessThan(3);
});

test("control: R43 one queue for all users is noticed", async () => {
  expect(await placeOfSecond(() => "all")).toBe(100);
});
