import { expect, test } from "bun:test";
import type { Transport } from "../../src/bus/transport.ts";
import { audienceChars, audienceOf, createAudiences } from "../../src/feed/audience.ts";

test("F20: users have names of one length in commit notices, the same on all releases, and hardly ever the same", () => {
  // Nodes of different releases must agree: these never change.
  expect(audienceOf({ tenant: "", user: "alice" })).toBe("cTa3vu");
  expect(audienceOf({ tenant: "acme", user: "bób" })).toBe("-nps8j");
  const names = Array.from({ length: 50_000 }, (_, i) => audienceOf({ tenant: "t", user: `user-${i}` }));
  expect(names.every((name) => name.length === audienceChars && /^[A-Za-z0-9_-]+$/.test(name))).toBe(true);
  expect(new Set(names).size).toBeGreaterThan(names.length - 3);
});

test("F20: each user has one subscription while needed, under the history of now, and none is left", () => {
  const open = new Map<string, number>();
  const count = (key: string, by: number): void => {
    const left = (open.get(key) ?? 0) + by;
    if (left === 0) open.delete(key);
    else open.set(key, left);
  };
  const transport: Transport = {
    publish() {},
    subscribe(subject) {
      const key = subject.join(" ");
      count(key, 1);
      return () => count(key, -1);
    },
    onGap() {},
    close: async () => {},
  };
  const audiences = createAudiences({ transport, onRows() {}, onWhole() {} });
  const [alice, bob] = [
    { tenant: "t", user: "alice" },
    { tenant: "t", user: "bob" },
  ];
  audiences.add(alice);
  expect(open.size).toBe(0);
  audiences.follow("one");
  audiences.add(bob);
  audiences.add(bob);
  const [end, endToo] = [audiences.addAll(), audiences.addAll()];
  expect([...open.keys()].sort()).toEqual(["commits-whole one", "user one t alice", "user one t bob"]);
  expect(audiences.additions()).toBe(4);
  end();
  end();
  expect(audiences.needsAll()).toBe(true);
  audiences.follow("two");
  expect([...open.keys()].sort()).toEqual(["commits-whole two", "user two t alice", "user two t bob"]);
  endToo();
  expect([audiences.needsAll(), audiences.has(audienceOf(bob))]).toEqual([false, true]);
  audiences.remove(bob);
  audiences.remove(bob);
  expect([audiences.has(audienceOf(bob)), [...open.keys()]]).toEqual([false, ["user two t alice"]]);
  audiences.stop();
  expect(open.size).toBe(0);
});
