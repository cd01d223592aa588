import { describe, expect, test } from "bun:test";
import { createSource } from "../../../src/client/readable.ts";
import { createThreadRows, peerMarks, type RowSource } from "../../../src/client/sync/thread-rows.ts";
import { join } from "../../../src/client/sync/window.ts";
import type { ConversationRow, MessageRow, OutboxRow } from "../../../src/client/vault/rows.ts";

const message = (seq: number, from = "bob"): MessageRow => ({
  ...{ conversation: "c1", seq, id: `m${seq}`, from, text: `text ${seq}`, time: seq },
});
const waits = (id: string, more: Partial<OutboxRow> = {}): OutboxRow => ({
  ...{ id, kind: "send", target: { with: "bob" }, text: id, time: 9, isTried: false, ...more },
});
const source = (more: Partial<RowSource>): RowSource => ({
  ...{ self: "alice", messages: [], peer: { delivered: 0, read: 0 }, pending: [], isUnderWay: () => false, ...more },
});

describe("rows of a thread", () => {
  test("J11 with a new message all others are the same objects", () => {
    const rows = createThreadRows();
    const messages = [message(1), message(2, "alice"), message(3)];
    const before = rows.make(source({ messages }));
    const after = rows.make(source({ messages: [...messages, message(4)] }));
    expect(after).toHaveLength(4);
    before.forEach((row, at) => expect(after[at]).toBe(row));
    expect(rows.make(source({ messages: [...messages, message(4)] }))[0]).toBe(before[0]);
  });

  test("J11 with a receipt only rows with another state are new", () => {
    const rows = createThreadRows();
    const messages = [message(1, "alice"), message(2), message(3, "alice")];
    const before = rows.make(source({ messages, peer: { delivered: 1, read: 1 } }));
    const after = rows.make(source({ messages, peer: { delivered: 3, read: 1 } }));
    expect(before.map((row) => row.state)).toEqual(["read", "received", "accepted"]);
    expect(after.map((row) => row.state)).toEqual(["read", "received", "delivered"]);
    expect([after[0] === before[0], after[1] === before[1], after[2] === before[2]]).toEqual([true, true, false]);
  });

  test("J110 notes to oneself have no marks of another user, whatever an older server has stored", () => {
    const row = { with: "alice", peer: { delivered: 3, read: 3 } } as ConversationRow;
    expect(peerMarks(row, "alice")).toEqual({ delivered: 0, read: 0 });
    expect(peerMarks({ ...row, with: "bob" }, "alice")).toBe(row.peer);
    expect(peerMarks(null, "alice")).toEqual({ delivered: 0, read: 0 });
  });

  test("J11 without news the list is the same object", () => {
    const rows = createThreadRows();
    const given = source({ messages: [message(1)], pending: [{ row: waits("a"), stage: "kept" }] });
    expect(rows.make(given)).toBe(rows.make({ ...given }));
  });

  test("J8 a message keeps its key from the keystroke on, and is never shown twice", () => {
    const rows = createThreadRows();
    const [waiting] = rows.make(source({ pending: [{ row: waits("m1"), stage: "keeping" }] }));
    const both = rows.make(source({ messages: [message(1, "alice")], pending: [{ row: waits("m1"), stage: "kept" }] }));
    expect(both).toHaveLength(1);
    expect(both[0]?.key).toBe(waiting?.key ?? "");
    expect([waiting?.state, both[0]?.state]).toEqual(["keeping", "accepted"]);
  });

  test("J4 only a row that was not tried, or has failed, can be changed", () => {
    const failed = { code: "blocked", message: "no" };
    const pending = [waits("a"), waits("b", { isTried: true }), waits("c", { isTried: true, failed })];
    const made = createThreadRows().make(
      source({ pending: pending.map((row) => ({ row, stage: "kept" })), isUnderWay: (id) => id === "b" }),
    );
    expect(made.map(({ state, canChange }) => [state, canChange])).toEqual([
      ["queued", true],
      ["sending", false],
      ["failed", true],
    ]);
    expect(made[2]?.failed).toEqual(failed);
  });
});

describe("a window's messages", () => {
  const seqs = (messages: readonly MessageRow[]): readonly number[] => messages.map(({ seq }) => seq);
  const all = (...list: number[]): MessageRow[] => list.map((seq) => message(seq));

  test("J16 stay without a hole, in order, each once", () => {
    expect(seqs(join(all(3, 4), all(1, 2)))).toEqual([1, 2, 3, 4]);
    expect(seqs(join(all(3, 4), all(4, 5)))).toEqual([3, 4, 5]);
    expect(seqs(join(all(3, 4), all(6)))).toEqual([3, 4]);
    expect(seqs(join([], all(7, 8)))).toEqual([7, 8]);
    const held = all(1, 2);
    expect(join(held, [])).toBe(held);
  });
});

test("J1 a listener that throws keeps no other one from being called, and one may be subscribed twice", () => {
  const faults: unknown[] = [];
  const watched: boolean[] = [];
  const made = createSource(1, {
    onFault: (fault) => void faults.push(fault),
    onWatched: (is) => void watched.push(is),
  });
  let calls = 0;
  const count = (): void => void calls++;
  const ends = [
    made.subscribe(() => {
      throw new Error("mine");
    }),
    made.subscribe(count),
    made.subscribe(count),
  ];
  made.set(2);
  made.set(2);
  expect([calls, faults.length, made.get()]).toEqual([2, 1, 2]);
  ends[1]?.();
  ends[1]?.();
  made.set(3);
  expect(calls).toBe(3);
  for (const end of ends) end();
  expect(watched).toEqual([true, false]);
});
