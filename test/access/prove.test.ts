import { expect, test } from "bun:test";
import type { Proof } from "../../src/access/authenticate.ts";
import { createProof, createProve } from "../../src/access/prove.ts";
import { ChatError } from "../../src/error.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";

const now = 1_780_000_000_000;
const request = new Request("http://h/ws");
const prove = (answer: () => unknown) => createProof({ authenticate: answer as () => Proof, now: () => now })(request);

test("A8 A24 a proof becomes a session, with the defaults of what it leaves out", async () => {
  expect(await prove(() => ({ user: "alice" }))).toEqual({ tenant: "default", user: "alice" });
  expect(
    await prove(async () => ({ user: "alice", tenant: "t", expiresAt: now + 1.5, isHost: true, more: 1 })),
  ).toEqual({
    ...{ tenant: "t", user: "alice", expiresAt: now + 1, isHost: true },
  });
  expect(await prove(() => ({ user: "alice", isHost: 1 }))).toEqual({ tenant: "default", user: "alice" });
  // Any object that can be awaited.
  // oxlint-disable-next-line unicorn/no-thenable -- A query that runs when it is awaited.
  const query = { then: (resolve: (proof: object) => void) => resolve({ user: "alice" }) };
  expect(await prove(() => query)).toEqual({ tenant: "default", user: "alice" });
});

test("A8 without a proof, and with one that has ended, a request proves no identity", async () => {
  for (const answer of [
    null,
    undefined,
    { user: "alice", expiresAt: now },
    { user: "alice", expiresAt: -Number.MAX_VALUE },
  ])
    expect(await prove(() => answer)).toMatchObject({ code: "unauthenticated" });
});

test("A10 A37 a proof that is malformed is a fault of the host: the text names the field, and not its value", async () => {
  const secret = "s e c r e t";
  for (const [answer, text] of [
    ["alice", "authenticate answered a string"],
    [true, "authenticate answered a boolean"],
    [{}, "The field user"],
    [{ user: secret }, "The field user"],
    [{ user: 7 }, "The field user"],
    [{ user: "alice", tenant: secret }, "The field tenant"],
    [{ user: "alice", tenant: null }, "The field tenant"],
    [
      { user: "alice", expiresAt: "tomorrow" },
      "The field expiresAt of the proof that authenticate answered is malformed",
    ],
    [{ user: "alice", expiresAt: now / 1_000 }, "is in seconds"],
  ] as const) {
    const refused = await prove(() => answer);
    expect(refused).toMatchObject({ code: "internal", text: expect.stringContaining(text) });
    expect(JSON.stringify(refused)).not.toContain(secret);
  }
});

test("A9 A70 an authenticate that throws, or takes too long, is unavailable", async () => {
  const unavailable = { code: "unavailable", text: "The identity cannot be checked now" };
  const fails = (error: unknown) => () => {
    throw error;
  };
  for (const answer of [fails(new Error("x")), fails(new ChatError("unavailable", "x")), async () => fails("x")()])
    expect(await prove(answer)).toEqual(unavailable as never);
  const thrower = {
    get user(): string {
      throw new Error("x");
    },
  };
  expect(await prove(() => thrower)).toEqual(unavailable as never);
  const clock = fakeClock(0, async () => {});
  const slow = createProof({ authenticate: () => new Promise(() => {}), now: () => now, clock, answerMs: 100 })(
    request,
  );
  expect(await passes(clock, slow)).toBeWithin(100, 111);
  expect(await slow).toEqual(unavailable as never);
});

test("A15 over HTTP a refusal is a problem with its status", async () => {
  const statusOf = async (answer: () => unknown) => {
    const result = await createProve({ authenticate: answer as () => Proof, now: () => now })(request);
    return result instanceof Response ? result.status : result.user;
  };
  expect([await statusOf(() => null), await statusOf(() => ({})), await statusOf(() => ({ user: "alice" }))]).toEqual([
    401,
    500,
    "alice",
  ]);
});
