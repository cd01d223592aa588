import { expect, test } from "bun:test";
import { createCapacity } from "../../src/access/capacity.ts";

const of = (user: string, address?: string, tenant = "t") => ({ session: { tenant, user }, address });
const bounds = { connectionsMax: 5, connectionsPerUserMax: 2, connectionsPerAddressMax: 3 };

test("P14 a user has room for a number of sockets, whatever their address", () => {
  const capacity = createCapacity(bounds);
  capacity.enter(of("alice", "a1"));
  expect(capacity.has(of("alice", "a2"))).toBe(true);
  capacity.enter(of("alice"));
  expect(capacity.has(of("alice", "a3"))).toBe(false);
  // Another user of this name.
  expect([capacity.has(of("bob", "a1")), capacity.has(of("alice", "a1", "u"))]).toEqual([true, true]);
  capacity.leave(of("alice", "a1"));
  expect(capacity.has(of("alice", "a1"))).toBe(true);
});

test("A33 an address has room for a number of sockets; sockets without a counted address do not share one", () => {
  const capacity = createCapacity(bounds);
  for (const user of ["a", "b", "c"]) capacity.enter(of(user, "a1"));
  expect([capacity.has(of("d", "a1")), capacity.has(of("d", "a2")), capacity.has(of("d"))]).toEqual([
    false,
    true,
    true,
  ]);
});

test("R7 K12 all sockets together are bounded", () => {
  const capacity = createCapacity(bounds);
  for (let i = 0; i < 5; i++) capacity.enter(of(`u${i}`));
  expect(capacity.has(of("other"))).toBe(false);
  capacity.leave(of("u0"));
  expect(capacity.has(of("other"))).toBe(true);
});

test("R10 H11 names without a socket are forgotten", () => {
  const capacity = createCapacity(bounds);
  for (let i = 0; i < 2; i++) capacity.enter(of("alice", "a1"));
  capacity.leave(of("alice", "a1"));
  expect(capacity.sizes()).toEqual({ perUser: 1, perAddress: 1 });
  capacity.leave(of("alice", "a1"));
  expect(capacity.sizes()).toEqual({ perUser: 0, perAddress: 0 });
});
