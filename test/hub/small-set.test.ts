import { expect, test } from "bun:test";
import { SmallSet } from "../../src/hub/small-set.ts";

test("R23 a small set has each item once, and forgets those that are removed", () => {
  const set = new SmallSet<string>();
  const check = (items: readonly string[]) => {
    const visited: string[] = [];
    set.each((item) => void visited.push(item));
    expect([set.size, [...set], visited]).toEqual([items.length, [...items], [...items]]);
  };
  check([]);
  for (const item of ["a", "a", "b", "c", "b"]) set.add(item);
  check(["a", "b", "c"]);
  expect([set.delete("x"), set.delete("b"), set.delete("b")]).toEqual([false, true, false]);
  check(["a", "c"]);
  // The first item goes, and comes again while there are others.
  expect([set.delete("a"), set.delete("a")]).toEqual([true, false]);
  check(["c"]);
  set.add("a");
  set.add("c");
  check(["c", "a"]);
  for (const item of ["a", "c", "c"]) set.delete(item);
  check([]);
  set.add("d");
  check(["d"]);
});

test("R23 an iteration visits each item that stays until its end", () => {
  const set = new SmallSet<number>();
  for (let i = 0; i < 5; i++) set.add(i);
  const seen: number[] = [];
  for (const item of set) {
    seen.push(item);
    if (item === 1) {
      set.delete(0);
      set.delete(3);
    }
  }
  expect(seen).toEqual([0, 1, 2, 4]);
});
