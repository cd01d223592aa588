import { describe, expect, test } from "bun:test";
import { isOfGroup, withoutHalfChange } from "../../src/feed/group-changes.ts";
import type { Entries, Entry, LogEntry } from "../../src/model.ts";

const tenant = "t";
const conversation = "c7";
const of = (change: Entry): LogEntry => ({ tenant, users: [], change });
const message = (n: number, fields: Partial<Entries["message"]> = {}): LogEntry =>
  of({ kind: "message", n, conversation, seq: n, id: `id${n}`, from: "ann", text: "", time: 0, ...fields });
const event = (n: number): LogEntry => message(n, { event: { type: "added", users: ["bob", "cid"] } });
const membership = (n: number): LogEntry =>
  of({
    ...{ kind: "membership", n, conversation, user: `user${n}`, status: "member", role: "member" },
    ...{ first: 1, next: 1, joinedN: 0, read: 0 },
  });
const state = (n: number): LogEntry =>
  of({
    ...{ kind: "group", n, conversation, version: 1, name: "Lunch", data: {} },
    ...{ visibility: "private", history: "all" },
  });

const cut = (entries: readonly LogEntry[], more = true) => {
  const upTo = entries.at(-1)?.change.n ?? 0;
  const { entries: left, upTo: end } = withoutHalfChange({ entries, upTo, more });
  return [left.length, end];
};

describe("changes of groups", () => {
  test("F24 an event at the end of a stretch waits for the memberships that may come behind it", () => {
    expect(cut([message(1), event(2), state(3), membership(4)])).toEqual([1, 1]);
    expect(cut([message(1), event(2)])).toEqual([1, 1]);
    expect(cut([event(2), membership(3)])).toEqual([0, 1]);
  });

  test("F24 a stretch is as it is where nothing more follows, or something else does already", () => {
    expect(cut([message(1), event(2), membership(3)], false)).toEqual([3, 3]);
    expect(cut([event(1), membership(2), message(3)])).toEqual([3, 3]);
    // A membership of a later commit: a read mark.
    expect(cut([event(1), membership(2), membership(4)])).toEqual([3, 4]);
    expect(cut([message(1), membership(2)])).toEqual([2, 2]);
    expect(cut([])).toEqual([0, 0]);
  });

  test("F24 only events keep the entries of a commit together", () => {
    expect(isOfGroup([event(1), membership(2)])).toBe(true);
    expect(isOfGroup([message(1), membership(2)])).toBe(false);
  });
});
