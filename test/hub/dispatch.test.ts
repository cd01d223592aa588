import { expect, test } from "bun:test";
import type { Connection } from "../../src/connection/connection.ts";
import { createDispatch } from "../../src/hub/dispatch.ts";
import type { HandlerContext } from "../../src/hub/frame/handler.ts";
import { costs } from "../../src/protocol/costs.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const id = "0198abcd-0000-7000-8000-00000000000f";

function start(pay?: () => Promise<void> | undefined) {
  const state = { isOver: false, isOpen: true, badFrames: 0, actives: 0 };
  const [answers, paid, sent]: [unknown[], number[], unknown[]] = [[], [], []];
  const connection = {
    ...{ session: { tenant: "t", user: "alice" }, doer: {}, sendPause: { current: () => null } },
    health: { markActive: () => void state.actives++, requirePongs() {} },
    outgoing: { reply: (frame: unknown) => void answers.push(frame), reserve: () => ({ frame: null }) },
    endIfOver: () => state.isOver,
    isOpen: () => state.isOpen,
    countBadFrame: () => void state.badFrames++,
  } as unknown as Connection;
  const context = {
    policy: { decide: () => "allowed" },
    store: { append: (send: unknown) => void sent.push(send) },
    ...(pay && { limiter: { pay: (_doer: unknown, units: number) => (paid.push(units), pay()), takeSend: () => 0 } }),
  } as unknown as HandlerContext;
  const handle = createDispatch(context, defaultLimits);
  return {
    state,
    answers,
    paid,
    sent,
    say: (frame: unknown) => handle(connection, typeof frame === "string" ? frame : JSON.stringify(frame)),
  };
}

test("P32 P33 a frame is answered by the handler of its type, and one that is none by an error that counts", () => {
  const { state, answers, say } = start();
  void say({ type: "ping", id: "1" });
  void say("{");
  void say({ type: "dance" });
  expect(answers).toMatchObject([
    { type: "pong", id: "1" },
    { type: "error", code: "bad_frame" },
    { type: "error", code: "bad_frame" },
  ]);
  expect(state.badFrames).toBe(2);
  // A send that is wrong is refused under its id, and does not count as bad.
  void say({ type: "send", id, to: "bob", text: "x".repeat(20_000) });
  expect([answers[3], state.badFrames]).toMatchObject([{ type: "rejected", id, code: "too_large", retry: "never" }, 2]);
});

test("U1 only what a person does counts as activity", () => {
  const { state, sent, say } = start();
  void say({ type: "ping" });
  void say("{");
  expect(state.actives).toBe(0);
  void say({ type: "send", id, to: "bob", text: "hi" });
  expect([state.actives, sent.length]).toEqual([1, 1]);
});

test("R44 each frame is paid for by its kind and bytes; a message is left to its handler, also one to oneself", () => {
  const { paid, say } = start(() => undefined);
  for (const to of ["bob", "alice"]) void say({ type: "send", id, to, text: "hi" });
  expect(paid).toEqual([]);
  void say("{");
  void say({ type: "ping" });
  const [refused = 0, ping = 0] = paid;
  expect([refused >= costs.refused, ping >= costs.ping]).toEqual([true, true]);
  const one = start(() => undefined);
  void one.say({ type: "ping", id: "x".repeat(100) });
  expect(one.paid[0]).toBeGreaterThan(ping);
});

test("R44 O9 a frame that is not paid for yet waits, and is not handled if its connection has ended meanwhile", async () => {
  for (const isOpen of [true, false]) {
    const paying = Promise.withResolvers<void>();
    const { state, answers, say } = start(() => paying.promise);
    const handled = say({ type: "ping" });
    expect(answers).toEqual([]);
    state.isOpen = isOpen;
    paying.resolve();
    await handled;
    expect(answers).toHaveLength(isOpen ? 1 : 0);
  }
});

test("H14 after the end of its session no frame is decoded, paid for or handled", () => {
  const { state, answers, paid, say } = start(() => undefined);
  state.isOver = true;
  void say({ type: "ping" });
  void say("{");
  expect([answers, paid, state.badFrames]).toEqual([[], [], 0]);
});
