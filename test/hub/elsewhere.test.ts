import { expect, test } from "bun:test";
import { createElsewhere } from "../../src/hub/elsewhere.ts";
import { identityKey } from "../../src/model.ts";

const [alice, bob] = [
  { tenant: "t", user: "alice" },
  { tenant: "t", user: "bob" },
];

function start() {
  const watched = new Map([alice, bob].map((identity) => [identityKey(identity), identity]));
  const moves: string[] = [];
  const tasks: (() => void)[] = [];
  const elsewhere = createElsewhere({
    clock: { defer: (task) => void tasks.push(task) },
    watched: (key) => watched.get(key),
    onPresence: ({ user }) => void moves.push(`${user} ${elsewhere.has({ tenant: "t", user })}`),
  });
  return { watched, moves, elsewhere };
}

test("H16 a user is elsewhere from the first node to the last", () => {
  const { moves, elsewhere } = start();
  for (const [node, isThere] of [
    ["n1", true],
    ["n1", true],
    ["n2", true],
    ["n1", false],
    ["n3", false],
    ["n2", false],
  ] as const)
    elsewhere.set(alice, node, isThere);
  expect([moves, elsewhere.size()]).toEqual([["alice true", "alice false"], 0]);
});

test("H16 users who are not watched here, and those of another tenant, do not count", () => {
  const { moves, elsewhere } = start();
  elsewhere.set({ tenant: "t", user: "eve" }, "n1", true);
  elsewhere.set({ tenant: "u", user: "alice" }, "n1", true);
  expect([moves, elsewhere.has(alice), elsewhere.size()]).toEqual([[], false, 0]);
});

test("H16 a node that is gone takes its users with it, except those who are on another node", () => {
  const { moves, elsewhere } = start();
  elsewhere.set(alice, "n1", true);
  elsewhere.set(bob, "n1", true);
  elsewhere.set(bob, "n2", true);
  elsewhere.lose("n1");
  expect([elsewhere.has(alice), [...elsewhere.nodesOf(bob)]]).toEqual([false, ["n2"]]);
  expect(moves).toEqual(["alice true", "bob true", "alice false"]);
  elsewhere.lose("n1");
  expect(moves).toHaveLength(3);
});

test("R10 H16 a user who is no longer watched is forgotten, on all nodes", () => {
  const { watched, moves, elsewhere } = start();
  elsewhere.set(alice, "n1", true);
  elsewhere.set(alice, "n2", true);
  watched.delete(identityKey(alice));
  elsewhere.forget(identityKey(alice));
  elsewhere.lose("n1");
  expect([moves, elsewhere.size(), [...elsewhere.nodesOf(alice)]]).toEqual([["alice true"], 0, []]);
  elsewhere.set(bob, "n1", true);
  elsewhere.clear();
  expect([elsewhere.has(bob), elsewhere.size()]).toEqual([false, 0]);
});
