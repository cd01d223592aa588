import { expect, test } from "bun:test";
import { postTicket } from "../../../src/http/route/post-ticket.ts";
import { sha256 } from "../../../src/internal/sha256.ts";
import { callOf, outcomeOf } from "./call.ts";

const alice = { tenant: "t", user: "alice" };

function ask({
  session = alice as object,
  added = "added",
  body,
}: { session?: object; added?: string; body?: unknown } = {}) {
  const tickets: unknown[] = [];
  const store = {
    head: async () => ({ epoch: "e", n: 50 }),
    addTicket: async (_session: unknown, ticket: unknown) => (tickets.push(ticket), added),
  };
  const call = callOf({
    method: "POST",
    body,
    store,
    fields: { proveAgain: async () => session, random: { secret: () => "s".repeat(43) } },
  });
  return { tickets, answer: postTicket.handle(call) };
}
const refusal = async (options: Parameters<typeof ask>[0]) => await outcomeOf(ask(options).answer);

test("A28 a ticket is valid for half a minute, and only its hash is stored", async () => {
  const { tickets, answer } = ask();
  expect(await outcomeOf(answer)).toEqual([201, { ticket: "s".repeat(43), expiresAt: 31_000 }]);
  expect(tickets).toEqual([{ hash: await sha256("s".repeat(43)), expires: 31_000, now: 1_000, provedAfter: 50 }]);
});

test("A28 it ends with the session that bought it", async () => {
  expect(await refusal({ session: { ...alice, expiresAt: 2_000 } })).toMatchObject([201, { expiresAt: 2_000 }]);
  expect(await refusal({ session: { ...alice, expiresAt: 90_000 } })).toMatchObject([201, { expiresAt: 31_000 }]);
});

test("T7 the session is proved again, and a ticket for another one is not made", async () => {
  const other = ask({ session: { tenant: "t", user: "bob" } });
  expect([await outcomeOf(other.answer), other.tickets]).toEqual(["unavailable", []]);
  expect(await refusal({ session: new Response(null, { status: 401 }) })).toEqual([401, null]);
  expect([await refusal({ added: "revoked" }), await refusal({ added: "too many" })]).toEqual([
    "unavailable",
    "rate_limited",
  ]);
});

test("A28 a body is not needed, and holds nothing", async () => {
  expect([await refusal({ body: {} }), await refusal({ body: { more: 1 } })]).toMatchObject([[201, {}], "bad_request"]);
});
