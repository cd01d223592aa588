import { expect, test } from "bun:test";
import type { Verdict } from "../../../src/access/policy.ts";
import { SendPause } from "../../../src/connection/send-pause.ts";
import type { Slot } from "../../../src/connection/outbox.ts";
import type { HandlerContext } from "../../../src/hub/frame/handler.ts";
import { send } from "../../../src/hub/frame/send.ts";
import type { Outcome, Send } from "../../../src/store/store.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const id = "0198ABCD-0000-7000-8000-00000000000F";

function start({
  verdict = "allowed",
  waitMs = 0,
  refusal,
}: { verdict?: Verdict | Promise<Verdict>; waitMs?: number; refusal?: Promise<void> } = {}) {
  const clock = fakeClock(0, async () => {});
  const [sent, answers, state] = [[] as Send[], [] as unknown[], { waitMs, isClosing: false, charged: 0 }];
  const settles: ((outcome: Outcome) => void)[] = [];
  const connection = {
    ...{ session: { tenant: "t", user: "alice" }, doer: {}, sendPause: new SendPause(clock) },
    outgoing: { reserve: () => ({ frame: null }), answer: (_slot: Slot, frame: unknown) => void answers.push(frame) },
    closeAfterAnswers: () => void (state.isClosing = true),
  } as unknown as Parameters<typeof send>[0];
  const context = {
    store: { append: (each: Send, settle: (outcome: Outcome) => void) => (sent.push(each), settles.push(settle)) },
    policy: { decide: () => verdict },
    limiter: { takeSend: () => (state.charged++, state.waitMs), payRefusal: () => refusal },
  } as unknown as HandlerContext;
  const say = (fields: object = {}) =>
    send(connection, { type: "send", id, to: "bob", text: "hi", ...fields }, context);
  return { clock, connection, sent, answers, settles, state, say };
}
const accepted: Outcome = { type: "accepted", n: 9, conversation: "c1", seq: 3, time: 7, duplicate: false };

test("D1 P72 a message goes into the next commit under its stored id, and is answered under the id that was sent", () => {
  const { sent, answers, settles, connection, say } = start();
  expect(say()).toBeUndefined();
  expect(sent).toEqual([
    { tenant: "t", from: "alice", id: id.toLowerCase(), text: "hi", to: "bob", refusal: undefined, origin: connection },
  ]);
  settles[0]?.(accepted);
  expect(answers).toEqual([{ type: "accepted", id, conversation: "c1", seq: 3, time: 7, duplicate: false }]);
  void say({ to: undefined, conversation: "c7" });
  expect(sent[1]).toMatchObject({ conversation: "c7" });
});

test("P90 a message to oneself goes into the next commit like every other", () => {
  const { sent, say } = start();
  expect(say({ to: "alice" })).toBeUndefined();
  expect(sent).toMatchObject([{ from: "alice", to: "alice", refusal: undefined }]);
});

test("A31 over the rate this send and those behind it are refused until the delay has passed, and a retry still reaches the store", async () => {
  const { clock, sent, answers, settles, state, say } = start({ waitMs: 2_000 });
  void say();
  state.waitMs = 0;
  void say();
  expect([sent.map(({ refusal }) => refusal), state.charged]).toEqual([["rate_limited", "rate_limited"], 1]);
  settles[0]?.({ type: "refused", code: "rate_limited" });
  expect(answers).toMatchObject([{ type: "rejected", code: "rate_limited", retry: "later", retryAfterMs: 2_000 }]);
  await clock.advance(2_000);
  void say();
  expect([sent[2]?.refusal, state.charged]).toEqual([undefined, 2]);
  // A short delay is made longer.
  const short = start({ waitMs: 1 });
  void short.say();
  short.settles[0]?.({ type: "refused", code: "rate_limited" });
  expect(short.answers).toMatchObject([{ retryAfterMs: 500 }]);
});

test("O4 R44 a refusal that must be paid for is held back, and pauses the sends behind it", async () => {
  const paying = Promise.withResolvers<void>();
  const { clock, sent, state, connection, say } = start({ waitMs: 600, refusal: paying.promise });
  const handled = say();
  state.waitMs = 0;
  // The pause ends before the refusal is paid for.
  await clock.advance(1_000);
  expect([sent, connection.sendPause.current()]).toEqual([[], null]);
  paying.resolve();
  await handled;
  expect([sent[0]?.refusal, connection.sendPause.current()?.retryAfterMs]).toEqual(["rate_limited", 500]);
});

test("B9 what the host's rule refuses goes to the store with the refusal; a rule that fails pauses the sends", async () => {
  const forbidden = start({ verdict: Promise.resolve("forbidden") });
  await forbidden.say();
  forbidden.settles[0]?.({ type: "refused", code: "forbidden" });
  expect([forbidden.sent[0]?.refusal, forbidden.answers]).toMatchObject([
    "forbidden",
    [{ code: "forbidden", retry: "never" }],
  ]);
  expect(forbidden.answers[0]).not.toHaveProperty("retryAfterMs");
  const failed = start({ verdict: "unavailable" });
  void failed.say();
  failed.settles[0]?.({ type: "refused", code: "unavailable" });
  expect([failed.connection.sendPause.current()?.code, failed.state.isClosing]).toEqual(["unavailable", false]);
});

test("H5 a store that fails closes the connection after its answers", () => {
  const { answers, settles, state, say } = start();
  void say();
  settles[0]?.({ type: "refused", code: "unavailable" });
  expect([state.isClosing, answers]).toMatchObject([
    true,
    [{ code: "unavailable", retry: "later", retryAfterMs: 1_000 }],
  ]);
});
