import { expect, test } from "bun:test";
import { createOutboxBudget } from "../../src/connection/outbox-budget.ts";
import { OutgoingFrames } from "../../src/connection/outgoing.ts";
import { createSendWindow } from "../../src/connection/send-window.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const pong = (id: string) => ({ type: "pong", id }) as const;

function start({ hasCork = false } = {}) {
  const state = { buffered: 0, isOpen: true, isEnding: false, flushes: 0, corks: 0 };
  const sent: string[] = [];
  const socket = {
    send: (frame: string) => (sent.push(frame), true),
    bufferedBytes: () => state.buffered,
    close() {},
    terminate() {},
    ...(hasCork && { cork: (write: () => void) => (state.corks++, write()) }),
  };
  const outgoing = new OutgoingFrames({
    socket,
    context: {
      ...{ limits: defaultLimits, budget: createOutboxBudget({ bytesMax: 1e9 }) },
      sendWindow: createSendWindow({ windowMax: 64, sendsMax: 64 }),
    },
    ...{ isOpen: () => state.isOpen, isEnding: () => state.isEnding, onBroken() {} },
    scheduleFlush: () => void state.flushes++,
  });
  return { outgoing, state, sent };
}

test("H4 answers leave at the end of the turn, in the order of their slots", () => {
  const { outgoing, state, sent } = start();
  const slot = outgoing.reserve();
  outgoing.reply(pong("2"));
  outgoing.flush();
  expect([sent, state.flushes, outgoing.unanswered(), outgoing.isBlocked()]).toEqual([[], 1, 2, true]);
  outgoing.answer(slot, pong("1"));
  outgoing.flushTogether();
  expect(sent.map((frame) => (JSON.parse(frame) as { id: string }).id)).toEqual(["1", "2"]);
  expect([outgoing.unanswered(), outgoing.isBlocked()]).toEqual([0, false]);
});

test("H14 a connection that is ending gets no answer any more", () => {
  const { outgoing, state, sent } = start();
  state.isEnding = true;
  outgoing.reply(pong("1"));
  outgoing.flush();
  expect([sent, state.flushes]).toEqual([[], 0]);
});

test("B10 H12 a volatile frame is dropped for a socket that is behind, which is said, and before and after it is open", () => {
  const { outgoing, state, sent } = start();
  expect([outgoing.sendVolatile("a"), outgoing.isBehind()]).toEqual([true, false]);
  state.buffered = defaultLimits.outboxBytesMax / 2;
  expect([outgoing.sendVolatile("b"), outgoing.isBehind()]).toEqual([false, true]);
  // Where it is not open, nothing is to be sent later.
  state.isOpen = false;
  expect([outgoing.sendVolatile("c"), outgoing.isBehind(), sent]).toEqual([true, false, ["a"]]);
});

test("H4 everything of a turn goes in one piece where the runtime can", () => {
  const { outgoing, state, sent } = start({ hasCork: true });
  outgoing.reply(pong("1"));
  outgoing.flushTogether();
  expect([state.corks, sent.length]).toEqual([1, 1]);
});

test("H2 before its replay has begun a connection has no position, and a change waits for the replay", () => {
  const { outgoing, state, sent } = start();
  outgoing.queueChange({ n: 7, isAckedSoon: true, text: "{}", bytes: 3 }, 7);
  outgoing.sendPendingCursor();
  outgoing.resume();
  outgoing.stopReplay();
  outgoing.flush();
  expect([outgoing.position(), sent, state.flushes]).toEqual([0, [], 1]);
});
