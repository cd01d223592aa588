import { describe, expect, test } from "bun:test";
import { createOutboxBudget } from "../../src/connection/outbox-budget.ts";
import { createSendWindow } from "../../src/connection/send-window.ts";
import { Outbox } from "../../src/connection/outbox.ts";

const sendWindow = createSendWindow({ windowMax: 64, sendsMax: 2_048 });

/** An outbox on a socket that takes nothing by itself. */
function open(budget = createOutboxBudget({ bytesMax: 1_000_000 }), bytesMax = 100_000) {
  const state = { buffered: 0, sent: [] as string[] };
  const outbox = new Outbox({
    socket: {
      send(frame) {
        state.sent.push(frame);
        state.buffered += frame.length;
        return true;
      },
      bufferedBytes: () => state.buffered,
    },
    context: { limits: { outboxBytesMax: bytesMax }, budget, sendWindow },
    onBroken() {},
  });
  const post = (bytes: number): boolean => {
    if (!outbox.hasRoomForChanges(bytes)) return false;
    outbox.write("x".repeat(bytes));
    outbox.measure();
    return true;
  };
  return { outbox, state, post };
}

describe("the outbox", () => {
  test("R3 once the budget is used up, connections with empty sockets get nothing either", () => {
    const budget = createOutboxBudget({ bytesMax: 100_000 });
    const all = Array.from({ length: 100 }, () => open(budget));
    const posted = all.filter(({ post }) => post(10_000));
    expect(posted).toHaveLength(10);
    expect(budget.bytes()).toBe(100_000);
    for (const { outbox } of all) outbox.stop();
    expect(budget.bytes()).toBe(0);
  });

  test("H3 R3 an answer that is known holds changes back, and has room of its own beside them", () => {
    const { outbox, state, post } = open();
    while (post(5_000)) {}
    const [first, second] = [outbox.reserve(), outbox.reserve()];
    outbox.fill(second, "second");
    outbox.flushAnswers();
    expect(outbox.hasHeldAnswers()).toBe(true);
    state.buffered = 0;
    expect(post(10)).toBe(false);
    outbox.fill(first, "first");
    outbox.flushAnswers();
    expect(state.sent.slice(-2)).toEqual(["first", "second"]);
    expect(post(10)).toBe(true);
  });

  test("R3 changes leave room for answers", () => {
    const { outbox, state, post } = open();
    while (post(1_000)) {}
    const answer = outbox.reserve();
    outbox.fill(answer, "x".repeat(10_000));
    outbox.flushAnswers();
    expect(state.sent.at(-1)).toHaveLength(10_000);
    expect(state.buffered).toBeLessThanOrEqual(100_000);
  });

  test("R2 R3 while the budget is short, a peer that takes little does not count as one that takes nothing", () => {
    const budget = createOutboxBudget({ bytesMax: 100_000 });
    const [slow, stopped] = [open(budget), open(budget)];
    for (const { post } of [slow, stopped]) expect(post(40_000)).toBe(true);
    expect(budget.isShort()).toBe(true);
    const looks = Array.from({ length: 10 }, () => {
      slow.state.buffered -= 10;
      return [slow.outbox.isHoarding(), stopped.outbox.isHoarding()];
    });
    expect(looks.map(([isSlow]) => isSlow)).toEqual(looks.map(() => false));
    expect(looks.map(([, isStopped]) => isStopped)).toEqual(looks.map((_, i) => i > 0));
  });
});
