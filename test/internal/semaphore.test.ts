import { expect, test } from "bun:test";
import { createSemaphore } from "../../src/internal/semaphore.ts";

test("E25 only the limit runs at a time, the others in the order in which they came, also behind one that failed", async () => {
  const enter = createSemaphore(2);
  const [begun, ended]: [number[], (() => void)[]] = [[], []];
  const work = [0, 1, 2, 3, 4].map((i) =>
    enter(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(i);
          ended[i] = () => (i === 1 ? reject(new Error("failed")) : resolve(i));
        }),
    ).catch(() => -1),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  ended[1]?.();
  await work[1];
  expect(begun).toEqual([0, 1, 2]);
  ended[0]?.();
  await work[0];
  ended[2]?.();
  await work[2];
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  ended[3]?.();
  ended[4]?.();
  expect(await Promise.all(work)).toEqual([0, -1, 2, 3, 4]);
  expect(await enter(() => Promise.resolve("free"))).toBe("free");
});
