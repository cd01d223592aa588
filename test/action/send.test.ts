import { expect, test } from "bun:test";
import { appendMessage, orThrow, refusalText, validateSend } from "../../src/action/send.ts";
import { ChatError } from "../../src/error.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Outcome, Send } from "../../src/store/store.ts";

const fault = (fields: object): string | null =>
  validateSend({ to: "bob", text: "hi", ...fields }, defaultLimits)?.code ?? null;
const accepted: Outcome = { type: "accepted", n: 9, conversation: "c1", seq: 3, time: 7, duplicate: false };

test("P23 P24 a message is checked alike on each way, and outside of a socket its faults are those of a request", () => {
  expect([fault({}), fault({ to: undefined }), fault({ text: "é".repeat(8_192) })]).toEqual([null, null, null]);
  expect(fault({ to: "b b" })).toBe("invalid_recipient");
  expect([
    fault({ text: "" }),
    fault({ text: "a\0b" }),
    fault({ text: "\ud800" }),
    fault({ text: "x".repeat(16_385) }),
  ]).toEqual(["bad_request", "bad_request", "bad_request", "too_large"]);
});

test("P72 a message is stored under its id in lower case", async () => {
  const sent: Send[] = [];
  const store = { append: (send: Send, settle: (outcome: Outcome) => void) => (sent.push(send), settle(accepted)) };
  const send = {
    tenant: "t",
    from: "alice",
    to: "bob",
    id: "0198ABCD-0000-7000-8000-00000000000F",
    text: "hi",
    refusal: "forbidden",
  } as const;
  expect([await appendMessage(store, send), sent]).toEqual([accepted, [{ ...send, id: send.id.toLowerCase() }]]);
});

test("K2 a refusal is thrown with its code and a text for people", () => {
  expect(orThrow(accepted)).toBe(accepted as never);
  for (const code of ["conflict", "not_found", "blocked", "forbidden", "rate_limited", "unavailable"] as const) {
    let thrown: unknown;
    try {
      orThrow({ type: "refused", code });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ChatError);
    expect(thrown).toMatchObject({ code, message: refusalText(code) });
  }
  expect([refusalText("unavailable"), refusalText("not_found")]).toEqual([
    "The store did not confirm the message: send it again under the same id",
    "There is no such conversation",
  ]);
});
