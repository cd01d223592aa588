import { describe, expect, test } from "bun:test";
import { createOutboxBudget } from "../../src/connection/outbox-budget.ts";
import { createSendWindow } from "../../src/connection/send-window.ts";
import { Outbox } from "../../src/connection/outbox.ts";
import { wireChange } from "../../src/connection/changes-writer.ts";
import { Replay, type ReplayLog } from "../../src/connection/replay.ts";
import { systemClock } from "../../src/internal/clock.ts";
import type { Change } from "../../src/model.ts";
import { createCursors } from "../../src/protocol/cursor.ts";
import { systemRandom } from "../../src/internal/random.ts";
import type { ServerFrame } from "../../src/protocol/frame.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Page } from "../../src/store/store.ts";
import { until } from "../support/fake-socket.ts";

const message = (n: number, text = "x"): Change => ({
  ...{ kind: "message", n, conversation: "c", seq: n, id: `${n}`, from: "alice", to: "bob", text, time: 1 },
});

const cursors = createCursors({
  secret: "0123456789abcdef".repeat(4),
  epoch: "0123456789abcdef",
  random: systemRandom,
});

/** A change does not carry its n on the wire. */
const nOf = (change: { readonly kind: string; readonly id?: string }): number => Number(change.id);

/** A replay on a log that the test writes, and the frames that it sent. */
function start({ pages, lastN = () => 0 }: { pages: readonly (Page | Promise<Page>)[]; lastN?: () => number }) {
  const frames: Extract<ServerFrame, { type: "changes" }>[] = [];
  const left = [...pages];
  const outbox = new Outbox({
    socket: { send: (frame) => frames.push(JSON.parse(frame)) > 0, bufferedBytes: () => 0 },
    context: {
      limits: defaultLimits,
      budget: createOutboxBudget({ bytesMax: 1_000_000_000 }),
      sendWindow: createSendWindow({ windowMax: 64, sendsMax: 2_048 }),
    },
    onBroken() {},
  });
  const log: ReplayLog = {
    ...{ level: 1, cursors, limits: defaultLimits, clock: systemClock, lastN },
    readPage: async () => left.shift() ?? { changes: [], upTo: 0, more: false },
    fail: (fault) => {
      throw fault;
    },
    onCursorPending() {},
    pay() {},
    spend() {},
  };
  const replay = new Replay(log, { outbox, start: 0 });
  replay.resume();
  const seen = () => frames.flatMap(({ changes }) => changes.map(nOf));
  return { replay, frames, seen };
}

describe("the replay", () => {
  test("O3 a stretch of the log that begins behind the position brings nothing twice", async () => {
    const page: Page = { changes: [message(6), message(10)], upTo: 10, more: false };
    const { replay, frames, seen } = start({ pages: [page] });
    await until(() => frames.some(({ more }) => !more));
    // What another node wrote: replayed from the log already, and only now read by the feed.
    for (const n of [6, 10, 11]) replay.queueChange(wireChange(message(n)), 12);
    replay.flush();
    expect(seen()).toEqual([6, 10, 11]);
    expect(replay.position()).toBe(12);
    replay.queueChange(wireChange(message(9)), 9);
    replay.flush();
    expect(seen()).toEqual([6, 10, 11]);
  });

  test("T5 H14 one that is stopped while it reads sends nothing of it, and nothing that comes later", async () => {
    const gate = Promise.withResolvers<Page>();
    const { replay, frames } = start({ pages: [gate.promise] });
    // The page is asked for.
    await new Promise((resolve) => void setImmediate(resolve));
    replay.stop();
    gate.resolve({ changes: [message(1)], upTo: 1, more: false });
    await gate.promise;
    await new Promise((resolve) => void setImmediate(resolve));
    replay.queueChange(wireChange(message(2)), 2);
    replay.flush();
    expect(frames).toEqual([]);
  });

  test("P15 P16 O6 of a page in several frames only the last one says that nothing follows, and the cursor of each covers its changes", async () => {
    const texts = Array.from({ length: 20 }, (_, i) => message(i + 1, "x".repeat(16_000)));
    const { frames, seen } = start({ pages: [{ changes: texts, upTo: 33, more: false }] });
    await until(() => frames.some(({ more }) => !more));
    expect(seen()).toEqual(texts.map((_, i) => i + 1));
    expect(frames.length).toBeGreaterThan(4);
    expect(frames.map(({ more }) => more)).toEqual(frames.map((_, i) => i < frames.length - 1));
    const ends = frames.map(({ changes }) => changes.map(nOf).at(-1));
    expect(frames.map(({ cursor }) => cursors.decode(cursor)?.n)).toEqual([...ends.slice(0, -1), 33]);
  });
});
