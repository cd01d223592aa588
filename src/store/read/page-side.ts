import type { Message } from "../../model.ts";

/** Rows of one look into the log, in the order of the walk. */
export type Look = {
  readonly rows: readonly Message[];
  /** Up to here, itself included, everything was looked at; null: up to the end. */
  readonly wholeTo: number | null;
  /** Texts came to as many bytes as were asked for: there may be more rows behind the last. */
  readonly isCut: boolean;
};

/** What lies on one side of where a query stands, in the order of the walk, whole up to `wholeTo`. */
export type Side = {
  readonly found: readonly Message[];
  readonly wholeTo: number | null;
  readonly place: (message: Message) => number;
};

/** The part of a side that goes into a page. */
export type Taken = {
  readonly messages: readonly Message[];
  readonly hasMore: boolean;
  /** Where to go on; the start, where nothing was taken. */
  readonly position: number;
};

export type LookOptions = {
  readonly place: (message: Message) => number;
  readonly toward: "down" | "up";
  /** How many rows each look was asked for: one that has as many was cut there. */
  readonly asked: number;
};

/** Merges looks into one side: whole up to the nearest place where one of them was cut or had seen enough. */
export function sideOf(looks: readonly Look[], { place, toward, asked }: LookOptions): Side {
  const isBeyond = (one: number, other: number): boolean => (toward === "down" ? one < other : one > other);
  let wholeTo: number | null = null;
  for (const look of looks) {
    const last = look.rows[look.rows.length - 1];
    const end = last !== undefined && (look.isCut || look.rows.length >= asked) ? place(last) : look.wholeTo;
    if (end !== null && (wholeTo === null || isBeyond(wholeTo, end))) wholeTo = end;
  }
  const found = looks
    .flatMap(({ rows }) => rows)
    .filter((message) => wholeTo === null || !isBeyond(place(message), wholeTo))
    .sort((a, b) => (isBeyond(place(a), place(b)) ? 1 : -1));
  return { found, wholeTo, place };
}

/** Takes what comes first, at most so many messages and about so many bytes of text as JSON; the first one always. */
export function takeFrom(
  { found, wholeTo, place }: Side,
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
  if (taken < found.length) return { messages, hasMore: true, position: last ? place(last) : start };
  return { messages, hasMore: wholeTo !== null, position: wholeTo ?? start };
}
