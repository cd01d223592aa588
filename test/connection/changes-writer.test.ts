import { expect, test } from "bun:test";
import {
  ChangesWriter,
  type ChangesWriterLog,
  type ChangesWriterOptions,
  type WireChange,
  wireChange,
} from "../../src/connection/changes-writer.ts";
import { changesOverheadBytes } from "../../src/protocol/encode.ts";

const change = (n: number, bytes = 100): WireChange => ({ n, isAckedSoon: n % 10 === 0, text: `"${n}"`, bytes });

/** A writer whose outbox has room for so many bytes. */
function start({ room = Infinity, frameMax = 1_000, level = 1 } = {}) {
  const state = { room, pending: 0, asked: 0 };
  const frames: string[] = [];
  const log: ChangesWriterLog = {
    ...{ level, limits: { changesBytesMax: frameMax } },
    cursors: { encode: ({ n, level: at }) => `${n}/${at}` },
    onCursorPending: () => void state.pending++,
  };
  const outbox: ChangesWriterOptions["outbox"] = {
    write(frame) {
      const { cursor, more, changes } = JSON.parse(frame) as { cursor: string; more: boolean; changes: string[] };
      frames.push(`${cursor} ${changes.join("")} ${more ? "more" : "end"}`);
      state.room -= changesOverheadBytes + 100 * changes.length;
    },
    hasRoomForChanges: (bytes) => (state.asked++, bytes <= state.room),
  };
  const writer = new ChangesWriter(log, { outbox, start: 5 });
  return { writer, state, frames };
}

test("P16 changes go in frames within the limit, each with the cursor of its last change, the last with the end of the page", () => {
  const { writer, frames } = start({ frameMax: changesOverheadBytes + 200, level: 2 });
  expect(
    writer.write(
      [6, 7, 8, 9, 10].map((n) => change(n)),
      20,
      false,
    ),
  ).toBe(true);
  expect(frames).toEqual(["7/2 67 more", "9/2 89 more", "20/2 10 end"]);
  expect([writer.position(), writer.isMoreExpected()]).toEqual([20, false]);
  // One change may be over the limit by itself.
  const large = start({ frameMax: 200 });
  expect([large.writer.write([change(6), change(7, 900)], 7, true), large.frames]).toEqual([
    true,
    ["6/1 6 more", "7/1 7 more"],
  ]);
});

test("P15 a page without changes is sent too, and `more` is expected until a frame says that there is none", () => {
  const { writer, frames } = start();
  expect(writer.isMoreExpected()).toBe(true);
  writer.write([], 9, true);
  expect(writer.isMoreExpected()).toBe(true);
  writer.write([], 9, false);
  expect([frames, writer.isMoreExpected()]).toEqual([["9/1  more", "9/1  end"], false]);
});

test("H1 R42 a reader without room for all gets what fits, and the position says how far it came", () => {
  const { writer, state, frames } = start({ room: 350 });
  let encoded = 0;
  function* changes(): Iterable<WireChange> {
    for (let n = 6; n < 20; n++) yield (encoded++, change(n));
  }
  expect(writer.write(changes(), 20, false)).toBe(false);
  expect([frames, writer.position(), encoded]).toEqual([["7/1 67 more"], 7, 3]);
  state.room = 0;
  expect([writer.write([change(8)], 8, false), writer.write([], 8, false), writer.position(), frames.length]).toEqual([
    false,
    false,
    7,
    1,
  ]);
});

test("R42 where there is room for a whole frame, the outbox is not asked for each change", () => {
  const { writer, state } = start();
  writer.write(
    [6, 7, 8].map((n) => change(n)),
    8,
    false,
  );
  expect(state.asked).toBe(1);
});

test("P25 a position that moves without a frame gets an empty one, once it is due and there is room", () => {
  const { writer, state, frames } = start();
  writer.advance(8);
  writer.advance(9);
  writer.sendDueCursor();
  expect([state.pending, frames, writer.position()]).toEqual([1, [], 9]);
  writer.markCursorDue();
  state.room = 0;
  writer.sendDueCursor();
  state.room = Infinity;
  writer.sendDueCursor();
  writer.sendDueCursor();
  expect(frames).toEqual(["9/1  end"]);
  // Another frame that goes before has the cursor too.
  writer.advance(10);
  writer.write([change(11)], 11, false);
  writer.markCursorDue();
  writer.sendDueCursor();
  expect([frames.length, state.pending]).toEqual([2, 2]);
});

test("R41 a change has the bytes of its text as UTF-8, and its comma", () => {
  const base = { kind: "message", n: 7, conversation: "c1", seq: 1, id: "m", from: "a", to: "b", time: 1 } as const;
  const [short, long] = [wireChange({ ...base, text: "" }), wireChange({ ...base, text: "€😀" })];
  expect([short.n, long.bytes - short.bytes, short.bytes - Buffer.byteLength(short.text)]).toEqual([7, 7, 1]);
});

test("S51 an ack covers a message only the first time, and only where one was sent", () => {
  const { writer } = start();
  writer.write([change(7), change(10), change(11)], 15, true);
  writer.write([change(18), change(20), change(30)], 31, false);
  // Of 10, 20 and 30, which are messages.
  const covers = [9, 9, 11, 15, 24, 31, 31].map((n) => writer.acks(n));
  expect(covers).toEqual([false, false, true, true, true, true, false]);
  writer.write([change(32), change(33)], 33, false);
  expect(writer.acks(33)).toBe(false);
});
