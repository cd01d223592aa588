import { expect, test } from "bun:test";
import type { Message } from "../../../src/model.ts";
import { type PageRead, sideOf, takeFrom } from "../../../src/store/read/page-side.ts";

const message = (seq: number, text = "x"): Message => ({
  n: seq,
  conversation: "c1",
  seq,
  id: `m${seq}`,
  from: "a",
  to: "b",
  text,
  time: 1,
});
const read = (seqs: readonly number[], fields: Partial<PageRead> = {}): PageRead => ({
  rows: seqs.map((seq) => message(seq)),
  wholeTo: null,
  isCut: false,
  ...fields,
});
const positionOf = ({ seq }: Message) => seq;
const side = (reads: readonly PageRead[], toward: "down" | "up" = "up", asked = 10) => {
  const { found, wholeTo } = sideOf(reads, { positionOf, toward, asked });
  return [found.map(positionOf), wholeTo] as const;
};

test("Q3 reads are merged in the order of the page, and complete if none was cut", () => {
  expect(side([read([1, 4]), read([2, 3])])).toEqual([[1, 2, 3, 4], null]);
  expect(side([read([4, 1]), read([3, 2])], "down")).toEqual([[4, 3, 2, 1], null]);
  expect(side([])).toEqual([[], null]);
});

test("Q4 they are complete up to the nearest end of a read that was cut, by its rows, its bytes or its bound", () => {
  expect(side([read([1, 2, 5]), read([3, 4, 6])], "up", 3)).toEqual([[1, 2, 3, 4, 5], 5]);
  expect(side([read([9, 6]), read([8, 5], { isCut: true })], "down")).toEqual([[9, 8, 6, 5], 5]);
  expect(side([read([9, 6], { isCut: true }), read([8, 5], { isCut: true })], "down")).toEqual([[9, 8, 6], 6]);
  expect(side([read([1, 7], { wholeTo: 6 }), read([2])])).toEqual([[1, 2], 6]);
  // A read that found nothing before its end.
  expect(side([read([], { wholeTo: 4 }), read([3, 5])])).toEqual([[3], 4]);
});

test("Q6 R41 a page takes the first messages, up to a number and to bytes of text, and always one", () => {
  const of = (seqs: readonly number[], wholeTo: number | null, text = "x") => ({
    found: seqs.map((seq) => message(seq, text)),
    wholeTo,
    positionOf,
  });
  const take = (from: ReturnType<typeof of>, count: number, bytesMax = 1_000) => {
    const { messages, hasMore, position } = takeFrom(from, { count, bytesMax, start: 0 });
    return [messages.length, hasMore, position];
  };
  expect([take(of([1, 2, 3], null), 2), take(of([1, 2, 3], null), 3)]).toEqual([
    [2, true, 2],
    [3, false, 0],
  ]);
  // There may be more behind the end of what was looked at.
  expect([take(of([1, 2], 7), 5), take(of([], 7), 5), take(of([], null), 5)]).toEqual([
    [2, true, 7],
    [0, true, 7],
    [0, false, 0],
  ]);
  // Each text is five bytes of JSON.
  expect([
    take(of([1, 2, 3], null, "abc"), 3, 10),
    take(of([1, 2, 3], null, "abc"), 3, 9),
    take(of([1, 2], null, "abc"), 3, 1),
  ]).toEqual([
    [2, true, 2],
    [1, true, 1],
    [1, true, 1],
  ]);
  expect(take(of([1, 2], null), 0)).toEqual([0, true, 0]);
});
