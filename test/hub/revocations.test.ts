import { expect, test } from "bun:test";
import { createRevocations } from "../../src/hub/revocations.ts";
import { fakeClock } from "../support/fake-clock.ts";

const alice = { tenant: "t", user: "alice" };

function start() {
  const clock = fakeClock(0, async () => {});
  const revocations = createRevocations({ clock, keptMs: 1_000 });
  const end = (reason: string, device?: string, user = "alice") =>
    revocations.note("t", { n: 1, user, reason, ...(device !== undefined && { device }) });
  const reason = (device: string, admittedAt: number, identity = alice) =>
    revocations.reasonAgainst(identity, { device, admittedAt });
  return { clock, revocations, end, reason };
}

test("T7 an upgrade that was admitted before a revocation is refused, one after it is not", async () => {
  const { clock, end, reason } = start();
  await clock.advance(100);
  end("logged out");
  expect([reason("phone", 99), reason("phone", 100), reason("phone", 101)]).toEqual(["logged out", "logged out", null]);
  // Of nobody else.
  expect([
    reason("phone", 99, { tenant: "t", user: "bob" }),
    reason("phone", 99, { tenant: "u", user: "alice" }),
  ]).toEqual([null, null]);
});

test("T7 a revocation of one device ends only that, and does not hide one of all", async () => {
  const { clock, end, reason } = start();
  await clock.advance(100);
  end("all");
  end("lost", "phone");
  expect([reason("tablet", 50), reason("phone", 50)]).toEqual(["all", "all"]);
  const second = start();
  await second.clock.advance(100);
  second.end("lost", "phone");
  second.end("stolen", "tablet");
  expect(["phone", "tablet", "other"].map((device) => second.reason(device, 50))).toEqual(["lost", "stolen", null]);
  // The newest of a device counts.
  second.end("found", "phone");
  expect(second.reason("phone", 50)).toBe("found");
});

test("T7 an upgrade that took as long as revocations are kept is refused in any case", async () => {
  const { clock, reason } = start();
  await clock.advance(1_000);
  expect([reason("phone", 0), reason("phone", 1)]).toEqual(["the upgrade took too long", null]);
});

test("R10 T7 old revocations are forgotten, newer ones of the user are not", async () => {
  const { clock, revocations, end, reason } = start();
  end("first", "phone");
  await clock.advance(600);
  end("second", "tablet");
  await clock.advance(400);
  revocations.beat();
  expect([reason("phone", 1), reason("tablet", 500)]).toEqual([null, "second"]);
});
