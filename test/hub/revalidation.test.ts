import { expect, test } from "bun:test";
import { createRevalidation, readRevalidated, type Revalidated } from "../../src/hub/revalidation.ts";
import { fakeClock } from "../support/fake-clock.ts";

const now = 1_780_000_000_000;

function start(answer: () => unknown = () => true) {
  const clock = fakeClock(now);
  const asked: unknown[] = [];
  const faults: unknown[] = [];
  const revalidation = createRevalidation({
    revalidate: (session) => (asked.push(session), answer() as Revalidated),
    ...{ clock, everyMs: 1_000, answerMs: 100, report: (fault) => void faults.push(fault) },
  });
  const connection = (end?: number) => {
    const state = { end, closed: 0, health: { sessionEnd: () => state.end } };
    return {
      ...{ state, session: { tenant: "t", user: "alice", expiresAt: end }, device: "phone", health: state.health },
      close: (code: number) => void (state.closed = code),
      extend: (until: number | undefined) => ((state.end = until), true),
    } as unknown as Parameters<typeof revalidation.beat>[0] & { state: typeof state };
  };
  return { clock, revalidation, asked, faults, connection };
}

test("H17 an answer is whether the session holds, or its new end", () => {
  for (const [answer, held] of [
    [true, true],
    [false, false],
    [undefined, true],
    [null, true],
    [{}, true],
    [{ expiresAt: undefined }, true],
    [0, true],
    [{ expiresAt: now + 0.5 }, now],
  ] as const)
    expect([answer, readRevalidated(answer, now)]).toEqual([answer, held]);
  expect(() => readRevalidated({ expiresAt: "soon" }, now)).toThrow("is malformed");
  expect(() => readRevalidated({ expiresAt: now / 1_000 }, now)).toThrow("is in seconds");
});

test("H15 a socket is asked about when it is due, and not when it has just opened", async () => {
  const { clock, revalidation, asked, connection } = start();
  const one = connection();
  for (const [ms, count] of [
    [0, 0],
    [999, 0],
    [1, 1],
    [999, 1],
    [1, 2],
  ] as const) {
    await clock.advance(ms);
    revalidation.beat(one);
    await clock.advance(0);
    expect(asked.length).toBe(count);
  }
  // The host learns nothing of the session but its owner.
  expect(asked[0]).toEqual({ tenant: "t", user: "alice", device: "phone" });
});

test("H15 only false closes the socket; a throw, and no answer in time, are reported", async () => {
  for (const [answer, closed, faults] of [
    [() => false, 4401, 0],
    [() => true, 0, 0],
    [
      () => {
        throw new Error("x");
      },
      0,
      1,
    ],
    [() => Promise.reject(new Error("x")), 0, 1],
    [() => new Promise(() => {}), 0, 1],
    [() => ({ expiresAt: "soon" }), 0, 1],
  ] as const) {
    const test = start(answer);
    const one = test.connection();
    test.revalidation.beat(one);
    await test.clock.advance(1_000);
    test.revalidation.beat(one);
    await test.clock.advance(0);
    await test.clock.advance(100);
    expect([one.state.closed, test.faults.length]).toEqual([closed, faults]);
  }
});

test("H17 just before its end a session is asked about once more, and may move it", async () => {
  const { clock, revalidation, asked, connection } = start(() => ({ expiresAt: now + 60_000 }));
  const one = connection(now + 2_600);
  revalidation.beat(one);
  await clock.advance(499);
  revalidation.beat(one);
  expect(asked.length).toBe(0);
  // 2 s and the time in which the host must answer are left.
  await clock.advance(1);
  revalidation.beat(one);
  await clock.advance(0);
  expect([asked.length, one.state.end]).toEqual([1, now + 60_000]);
  revalidation.beat(one);
  expect(asked.length).toBe(1);
});

test("H15 a host that answers slowly has no more than 64 questions at a time", async () => {
  const { clock, revalidation, asked, connection } = start(() => new Promise(() => {}));
  const many = Array.from({ length: 70 }, () => connection());
  for (const each of many) revalidation.beat(each);
  await clock.advance(1_000);
  for (const each of many) revalidation.beat(each);
  expect(asked.length).toBe(64);
  await clock.advance(100);
  for (const each of many) revalidation.beat(each);
  expect(asked.length).toBe(70);
});
