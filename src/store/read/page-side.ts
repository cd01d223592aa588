import type { Message } from "../../model.ts";

/** The rows of one read, in the order of the page. */
export type PageRead = {
  readonly rows: readonly Message[];
  /** The last position that was looked at; null: everything was. */
  readonly wholeTo: number | null;
  /** The read ended because of the bytes of its texts: there may be more rows behind the last one. */
  readonly isCut: boolean;
};

/** The messages on one side of a query's start, in the order of the page, complete up to `wholeTo`. */
export type PageSide = {
  readonly found: readonly Message[];
  readonly wholeTo: number | null;
  readonly positionOf: (message: Message) => number;
};

/** The part of a side that goes into a page. */
export type Taken = {
  readonly messages: readonly Message[];
  readonly hasMore: boolean;
  /** Where the next page begins; the start, where nothing was taken. */
  readonly position: number;
};

export type PageReadOptions = {
  readonly positionOf: (message: Message) => number;
  readonly toward: "down" | "up";
  /** The limit of each read: one that has as many rows was cut there. */
  readonly asked: number;
};

/** Merges reads into one side, complete up to the nearest position where one of them was cut or ended. */
export function sideOf(reads: readonly PageRead[], { positionOf, toward, asked }: PageReadOptions): PageSide {
  const isBeyond = (one: number, other: number): boolean => (toward === "down" ? one < other : one > other);
  let wholeTo: number | null = null;
  for (const read of reads) {
    const last = read.rows[read.rows.length - 1];
    const end = last !== undefined && (read.isCut || read.rows.length >= asked) ? positionOf(last) : read.wholeTo;
    if (end !== null && (wholeTo === null || isBeyond(wholeTo, end))) wholeTo = end;
  }
  const found = reads
    .flatMap(({ rows }) => rows)
    .filter((message) => wholeTo === null || !isBeyond(positionOf(message), wholeTo))
    .sort((a, b) => (isBeyond(positionOf(a), positionOf(b)) ? 1 : -1));
  return { found, wholeTo, positionOf };
}

/** Takes the first messages: at most `count`, and about `bytesMax` bytes of text as JSON; but always the first one. */
export function takeFrom(
  { found, wholeTo, positionOf }: PageSide,
  { count, bytesMax, start }: { count: number; bytesMax: number; start: number },
): Taken {
  let bytes = 0;
  let taken = 0;
  for (; taken < Math.min(count, found.length); taken++) {
    bytes += JSON.stringify(found[taken]?.text).length;
    if (taken > 0 && bytes > bytesMax) break;
  }
  const messages = found.slice(0, taken);
  const last = messages[messages.length - 1];
  if (taken < found.length) return { messages, hasMore: true, position: last ? positionOf(last) : start };
  return { messages, hasMore: wholeTo !== null, position: wholeTo ?? start };
}
