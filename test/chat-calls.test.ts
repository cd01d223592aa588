import { expect, test } from "bun:test";
import { createCalls } from "../src/chat-calls.ts";
import { systemClock } from "../src/internal/clock.ts";
import { systemRandom } from "../src/internal/random.ts";
import { defaultLimits } from "../src/protocol/limits.ts";
import type { Outcome, Send } from "../src/store/store.ts";
import type { Database } from "../src/tenant/database.ts";

const accepted: Outcome = { type: "accepted", n: 9, conversation: "c1", seq: 3, time: 7, duplicate: false };

function start(outcome = accepted) {
  const state = { isStopping: false, leases: [] as string[], releases: 0 };
  const [sends, revoked]: [Send[], unknown[]] = [[], []];
  const store = {
    append: (send: Send, settle: (result: Outcome) => void) => (sends.push(send), settle(outcome)),
    revoke: async (...args: unknown[]) => void revoked.push(args),
    push: { explained: async () => ({ messages: [], devices: [], log: [], isMore: false }) },
  };
  const calls = createCalls({
    ...{ clock: systemClock, random: systemRandom, limits: defaultLimits, isStopping: () => state.isStopping },
    databases: {
      lease: async (tenant) => (
        state.leases.push(tenant),
        { database: { store } as unknown as Database, release: () => void state.releases++ }
      ),
    },
  });
  return { state, sends, revoked, calls };
}
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  await work.then(
    () => "done",
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const send = { from: "shop", to: "alice", text: "hi" };
type Odd = never;

test("K2 a send of the server's own code is answered with its place, and its database is given back", async () => {
  const { state, sends, calls } = start();
  const { id, ...place } = await calls.send({ ...send, tenant: "acme" });
  expect(place).toEqual({ conversation: "c1", seq: 3, time: 7, duplicate: false });
  expect(sends).toMatchObject([{ tenant: "acme", from: "shop", to: "alice", text: "hi", id }]);
  await calls.send(send);
  expect(state).toMatchObject({ leases: ["acme", "default"], releases: 2 });
});

test("K2 a refusal has its code, and its database is given back too", async () => {
  const { state, calls } = start({ type: "refused", code: "blocked" });
  expect([await codeOf(calls.send(send)), state.releases]).toEqual(["blocked", 1]);
});

test("K2 K32 a field that is malformed, of another type or unknown is refused before a database is asked for", async () => {
  const { state, calls } = start();
  for (const wrong of [
    { from: "b b" },
    { from: 7 },
    { tenant: "" },
    { id: "1" },
    { id: 7 },
    { text: 7 },
    { text: "" },
    { tennant: "acme" },
  ])
    expect([wrong, await codeOf(calls.send({ ...send, ...(wrong as object) }))]).toEqual([wrong, "bad_request"]);
  expect(await codeOf(calls.send({ ...send, to: 7 as Odd }))).toBe("invalid_recipient");
  for (const wrong of [{ user: "b b" }, { user: 7 }, { tenant: "" }, { more: 1 }, { limit: "9" }])
    for (const read of [calls.conversations, calls.messages])
      expect([wrong, await codeOf(read({ user: "alice", ...(wrong as object) }))]).toEqual([wrong, "bad_request"]);
  // A query is read with the cursors of its database.
  expect(state.leases.length).toBe(state.releases);
});

test("K32 a disconnection names a user, perhaps a device, and a reason that a close frame can hold", async () => {
  const { revoked, calls } = start();
  await calls.disconnect({ user: "alice" });
  await calls.disconnect({ user: "alice", tenant: "acme", device: "phone", reason: "é".repeat(50) });
  expect(revoked).toMatchObject([
    [
      { tenant: "default", user: "alice" },
      { device: undefined, reason: "the session was ended" },
    ],
    [{ tenant: "acme" }, { device: "phone", reason: "é".repeat(50) }],
  ]);
  for (const wrong of [
    { user: "b b" },
    { device: "" },
    { tenant: "b b" },
    { reason: "é".repeat(51) },
    { reason: "a\0" },
    { reason: "\ud800" },
    { reason: 7 },
    { divice: "x" },
  ])
    expect([wrong, await codeOf(calls.disconnect({ user: "alice", ...(wrong as object) }))]).toEqual([
      wrong,
      "bad_request",
    ]);
});

test("U27 of a message or a tenant that cannot exist there is nothing to explain, and the host is not asked", async () => {
  const { state, calls } = start();
  const id = "0198abcd-0000-7000-8000-00000000000f";
  expect([
    await calls.explainPush({ message: "1", user: "alice" }),
    await calls.explainPush({ message: id, user: "alice", tenant: "b b" }),
  ]).toEqual([[], []]);
  expect(state.leases).toEqual([]);
  await calls.explainPush({ message: id.toUpperCase(), user: "alice" });
  expect([
    state.leases,
    await codeOf(calls.explainPush({ message: id, user: "alice", ...({ more: 1 } as object) })),
  ]).toEqual([["default"], "bad_request"]);
});

test("K4 a chat that shuts down takes no more calls", async () => {
  const { state, calls } = start();
  state.isStopping = true;
  const codes = [
    calls.send(send),
    calls.conversations({ user: "alice" }),
    calls.messages({ user: "alice" }),
    calls.disconnect({ user: "alice" }),
  ].map(codeOf);
  expect([await Promise.all(codes), state.leases]).toEqual([Array(4).fill("unavailable"), []]);
});
