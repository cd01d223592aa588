import { expect, test } from "bun:test";
import { createGroupPresences } from "../../src/hub/group-presences.ts";
import { createRegistry, type Here } from "../../src/hub/registry.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { Identity, LogEntry } from "../../src/model.ts";
import type { Presence } from "../../src/store/group/group-store.ts";

const tenant = "acme";
const group = "c1";

const membership = (user: string, n: number, untilN?: number, joinedN = 2): LogEntry<"membership"> => ({
  ...{ tenant, users: [user] },
  change: {
    ...{ kind: "membership", n, conversation: group, user, status: untilN === undefined ? "member" : "left" },
    ...{ role: "member", first: 1, next: 1, joinedN, ...(untilN !== undefined && { untilN }), read: 0 },
  },
});

function start(presences: readonly Presence[] = []) {
  const registry = createRegistry();
  const needs: string[] = [];
  const feed = {
    need: ({ user }: Identity) => void needs.push(`+ ${user}`),
    release: ({ user }: Identity) => void needs.push(`- ${user}`),
  };
  const groups = createGroupPresences({ store: { groups: { presences: async () => presences } }, feed });
  let reads = 0;
  const enter = (user: string, level = 3): Here => {
    const outgoing = { readAgain: () => void reads++ };
    const connection = { session: { tenant, user }, level, outgoing } as unknown as Connection;
    const here = registry.join({ tenant, user }, connection, 0);
    groups.enter(connection, here);
    return here;
  };
  const at = (n: number): number => {
    let count = 0;
    groups.each(group, n, () => count++);
    return count;
  };
  return { groups, enter, at, needs, reads: () => reads };
}

test("GR40 of many members only the connected ones are looked at", async () => {
  const { groups, enter, at } = start();
  enter("u1");
  enter("u2");
  await Bun.sleep(0);
  const many = Array.from({ length: 10_000 }, (_, i) => membership(`u${i}`, 10 + i));
  groups.note(many, many.length);
  expect(at(20_001)).toBe(2);
  expect(groups.sizes()).toEqual({ members: 2, groups: 1 });
});

test("GR41 the newer of an announced and a stored membership counts, and the log is read up to the last announcement", async () => {
  const { groups, enter, at } = start([{ conversation: group, joinedN: 2, untilN: null, n: 5 }]);
  const here = enter("ann");
  expect(here.isReading).toBe(true);
  groups.note([membership("ann", 9, 8)], 9);
  await Bun.sleep(0);
  expect([here.isReading, here.lastN]).toEqual([false, 9]);
  expect([at(2), at(3), at(8), at(9)]).toEqual([0, 1, 1, 0]);
});

test("GR44 a node needs the entries of a group while somebody of its users is in it, and up to the end of the last membership", async () => {
  const { groups, enter, needs, at, reads } = start();
  const here = enter("ann");
  enter("bob");
  await Bun.sleep(0);
  expect(needs).toEqual([]);
  groups.note([membership("ann", 5)], 6);
  groups.note([membership("bob", 7)], 7);
  expect([needs, reads(), here.lastN]).toEqual([["+ group c1"], 2, 5]);
  groups.note([membership("ann", 9, 8), membership("bob", 10, 8)], 10);
  expect([at(8), at(9), needs]).toEqual([2, 0, ["+ group c1"]]);
  groups.note([], 11);
  expect([at(8), needs, reads()]).toEqual([0, ["+ group c1", "- group c1"], 2]);
  groups.note([membership("ann", 12, undefined, 11)], 12);
  groups.leave({ tenant, user: "ann" });
  expect([needs.slice(2), reads()]).toEqual([["+ group c1", "- group c1"], 3]);
});

test("GR42 a user without connections is forgotten, also while the groups are read", async () => {
  const { groups, enter, at } = start([{ conversation: group, joinedN: 2, untilN: null, n: 5 }]);
  enter("ann");
  groups.leave({ tenant, user: "ann" });
  await Bun.sleep(0);
  enter("bob");
  await Bun.sleep(0);
  groups.leave({ tenant, user: "bob" });
  expect(at(3)).toBe(0);
  expect(groups.sizes()).toEqual({ members: 0, groups: 0 });
});
