import { expect, test } from "bun:test";
import type { Connection } from "../../src/connection/connection.ts";
import { createRegistry } from "../../src/hub/registry.ts";

const alice = { tenant: "t", user: "alice" };
const connection = (name: string) => ({ device: name }) as unknown as Connection;

test("H11 the connections of a user are those that joined and have not left", () => {
  const registry = createRegistry();
  const [one, other] = [connection("one"), connection("other")];
  expect(registry.find("t", "alice")).toBeUndefined();
  const here = registry.join(alice, one, 7);
  here.lastN = 9;
  // The position counts for the first connection only: later ones have what was fanned out since.
  expect(registry.join(alice, other, 20)).toBe(here);
  expect([here.lastN, registry.size(), registry.users()]).toEqual([9, 2, 1]);
  expect([registry.leave(alice, one), registry.leave(alice, one), registry.size()]).toEqual([false, false, 1]);
  expect([registry.leave(alice, other), registry.leave(alice, other)]).toEqual([true, false]);
  expect([registry.find("t", "alice"), registry.size(), registry.users()]).toEqual([undefined, 0, 0]);
});

test("T1 a user of the same name in another tenant is another user", () => {
  const registry = createRegistry();
  registry.join(alice, connection("one"), 0);
  expect(registry.find("u", "alice")).toBeUndefined();
  expect(registry.leave({ tenant: "u", user: "alice" }, connection("one"))).toBe(false);
  expect(registry.users()).toBe(1);
});

test("T5 connections that are about to open are found too, until they join or leave", () => {
  const registry = createRegistry();
  const [opening, open] = [connection("opening"), connection("open")];
  registry.enter(alice, opening);
  registry.enter(alice, open);
  registry.join(alice, open, 0);
  expect(registry.everyOf(alice)).toEqual([open, opening]);
  // One that never opened was not the user's last.
  expect([registry.leave(alice, opening), registry.everyOf(alice), registry.size()]).toEqual([false, [open], 1]);
  registry.leave(alice, open);
  expect(registry.everyOf(alice)).toEqual([]);
});
