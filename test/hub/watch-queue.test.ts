import { expect, test } from "bun:test";
import { createWatchQueue } from "../../src/hub/watch-queue.ts";
import type { Watch } from "../../src/hub/watch.ts";

/** A watch of a viewer that keeps up, or does not. */
const watchOf = (isBehind = false): Watch => ({
  viewer: {
    session: { tenant: "t", user: "viewer" },
    isOpen: () => true,
    outgoing: { sendVolatile: () => true, isBehind: () => isBehind },
  },
  users: new Map(),
  stale: new Set(),
  phase: "idle",
});

test("B6 a watch that ends while its users are looked up is not queued again", () => {
  const queue = createWatchQueue();
  const watch = watchOf();
  queue.mark(watch, "bob");
  expect(queue.take()).toEqual([{ watch, users: ["bob"] }]);
  queue.drop(watch);
  queue.mark(watch, "bob");
  expect([queue.putBack(watch, "pending"), queue.hasPending(), queue.take()]).toEqual([false, false, []]);
});

test("B6 a user who moves while their state is looked up is looked up again", () => {
  const queue = createWatchQueue();
  const watch = watchOf();
  queue.mark(watch, "bob");
  queue.take();
  queue.mark(watch, "bob");
  expect(queue.hasPending()).toBe(false);
  expect([queue.putBack(watch, "pending"), queue.take()]).toEqual([true, [{ watch, users: ["bob"] }]]);
});

test("B6 a viewer that is behind waits for the next beat, also for users who move meanwhile", () => {
  const queue = createWatchQueue();
  const watch = watchOf(true);
  queue.mark(watch, "bob");
  expect(queue.take()).toEqual([]);
  queue.mark(watch, "carol");
  expect(queue.hasPending()).toBe(false);
  queue.retryLater();
  expect([queue.hasPending(), [...watch.stale]]).toEqual([true, ["bob", "carol"]]);
});

test("R23 one turn looks up at most 500 pairs of all viewers together, and the next one goes on", () => {
  const queue = createWatchQueue();
  const [one, other] = [watchOf(), watchOf()];
  for (const watch of [one, other]) for (let i = 0; i < 300; i++) queue.mark(watch, `u${i}`);
  const taken = () => queue.take().map(({ watch, users }) => [watch === one ? "one" : "other", users.length]);
  expect([taken(), queue.putBack(one, "pending"), queue.putBack(other, "pending")]).toEqual([
    [
      ["one", 300],
      ["other", 200],
    ],
    false,
    true,
  ]);
  expect(taken()).toEqual([["other", 100]]);
});
