import { expect, test } from "bun:test";
import { getMessages, postMessage } from "../../../src/http/route/messages.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { costs } from "../../../src/protocol/costs.ts";
import { createCursors } from "../../../src/protocol/cursor.ts";
import type { Outcome, Send } from "../../../src/store/store.ts";
import { callOf, outcomeOf } from "./call.ts";

const id = "0198ABCD-0000-7000-8000-00000000000F";
const accepted: Outcome = { type: "accepted", n: 9, conversation: "c1", seq: 3, time: 7, duplicate: false };

function post(
  fields: object = {},
  {
    outcome = accepted,
    verdict = "allowed",
    waitMs = 0,
  }: { outcome?: Outcome; verdict?: string; waitMs?: number } = {},
) {
  const sent: Send[] = [];
  const store = { append: (send: Send, settle: (result: Outcome) => void) => (sent.push(send), settle(outcome)) };
  const call = callOf({
    body: { id, to: "bob", text: "hi", ...fields },
    store,
    fields: { policy: { decide: () => verdict }, retryAfterMs: () => waitMs },
  });
  return { sent, answer: postMessage.handle(call) };
}

test("Q1 a message is answered 201 with its place, a retry 200 with the first answer, under the id that was sent", async () => {
  const place = { id, conversation: "c1", seq: 3, time: 7 };
  const { sent, answer } = post();
  expect(await outcomeOf(answer)).toEqual([201, { ...place, duplicate: false }]);
  expect(sent).toMatchObject([{ tenant: "t", from: "alice", to: "bob", id: id.toLowerCase(), text: "hi" }]);
  expect(await outcomeOf(post({}, { outcome: { ...accepted, duplicate: true } }).answer)).toEqual([
    200,
    { ...place, duplicate: true },
  ]);
});

test("Q1 A31 what refuses a message goes to the store with it, because a retry gets its first answer", async () => {
  const late = post({}, { waitMs: 2_500 });
  expect([(await late.answer)?.status, late.sent[0]?.refusal]).toEqual([201, "rate_limited"]);
  const refused = post({}, { waitMs: 2_500, outcome: { type: "refused", code: "rate_limited" } });
  const response = await refused.answer;
  expect([response?.status, response?.headers.get("retry-after")]).toEqual([429, "3"]);
  const forbidden = post({}, { verdict: "forbidden", outcome: { type: "refused", code: "forbidden" } });
  expect([await outcomeOf(forbidden.answer), forbidden.sent[0]?.refusal]).toEqual(["forbidden", "forbidden"]);
});

test("P23 P24 a message that cannot be one is refused before the store", async () => {
  for (const [fields, code] of [
    [{ to: "no body" }, "invalid_recipient"],
    [{ to: undefined }, "bad_request"],
    [{ conversation: "c1" }, "bad_request"],
    [{ text: "" }, "bad_request"],
    [{ text: "x".repeat(16_385) }, "too_large"],
    [{ id: "1" }, "bad_request"],
    [{ from: "bob" }, "bad_request"],
  ] as const) {
    const { sent, answer } = post(fields);
    expect([fields, await outcomeOf(answer), sent.length]).toEqual([fields, code, 0]);
  }
  expect((await post({ to: undefined, conversation: "c7" }).answer)?.status).toBe(201);
});

test("R44 a page of messages is paid for by its rows and their texts", async () => {
  let spent = 0;
  const cursors = createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom });
  const message = {
    n: 9,
    conversation: "c1",
    seq: 3,
    id: "m1",
    from: "bob",
    to: "alice",
    text: "x".repeat(100),
    time: 7,
  };
  const history = async () => ({ messages: [message, message], more: { before: false, after: false } });
  const answer = getMessages.handle(
    callOf({
      query: "?with=bob",
      store: { history, cursors },
      fields: { spend: (units: number) => void (spent += units) },
    }),
  );
  expect(await outcomeOf(answer)).toMatchObject([200, { messages: [{ seq: 3 }, { seq: 3 }], more: { before: false } }]);
  expect(spent).toBeGreaterThanOrEqual(2 * costs.row);
  expect(
    await outcomeOf(getMessages.handle(callOf({ query: "?with=bob", store: { history: async () => null, cursors } }))),
  ).toBe("not_found");
});
