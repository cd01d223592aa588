import type { Identity, Message } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import type { Row, Statement, Value } from "../engine/engine.ts";
import { flag, integer, text } from "../row.ts";
import { type HistoryPage, type HistoryQuery, newest, type PageOrder } from "./history.ts";
import * as sql from "./history-sql.ts";
import { messageOf } from "./log-rows.ts";
import { type PageRead, type PageSide, sideOf, type Taken, takeFrom } from "./page-side.ts";
import { selectDevice } from "../device-position-sql.ts";
import type { ReaderOptions } from "./reader.ts";

/** The device is not known yet: it has to be created first. */
export type NoDevice = "no device";

const bySeq = ({ seq }: Message): number => seq;
const byN = ({ n }: Message): number => n;
const orNull = (value: string | number | undefined): Value => value ?? null;

export type HistoryReaderOptions = ReaderOptions & {
  /** Called with each device that a query names; `seen`: when it was last stored as seen, in milliseconds since the Unix epoch. */
  readonly onDevice: (identity: Identity, device: string, seen: number) => void;
};

/** ?1 to ?6 of every statement: the asker, and the filters on messages. */
const filterArgs = ({ tenant, user }: Identity, query: HistoryQuery): readonly Value[] => [
  ...[tenant, user, orNull(query.from)],
  ...[query.since ?? 0, query.until ?? newest, orNull(query.undelivered)],
];

/** The key of the conversation, and the user on the other side: as the query names either. */
const conversationArgs = (query: HistoryQuery): readonly [Value, Value] => [
  query.conversation === undefined ? null : (decodeConversation(query.conversation) ?? -1),
  orNull(query.with),
];

const isFiltered = ({ from, since, until, undelivered }: HistoryQuery): boolean =>
  [from, since, until, undelivered].some((one) => one !== undefined);

/** How many rows are looked at for `count` messages: without a filter, all of them are wanted. */
const rowsFor = (query: HistoryQuery, count: number, most: number): number =>
  isFiltered(query) ? most : Math.min(most, count);

/** Reads pages of messages, each query on one snapshot of the database. */
export function createHistoryReader({ engine, history, limits, onDevice }: HistoryReaderOptions) {
  const { historyRowsMax: rowsMax, answerBytesMax: bytesMax } = limits;

  /** `wholeTo`: where it stopped looking, unless a row without a conversation says it. */
  const pageRead = (found: readonly Row[], toward: "down" | "up", wholeTo: number | null = null): PageRead => {
    const end = found.find((row) => row["conversation"] === null);
    const rows = found.filter((row) => row !== end);
    const inOrder = rows.map(messageOf).sort((a, b) => (toward === "up" ? a.n - b.n : b.n - a.n));
    return { rows: inOrder, wholeTo: end ? integer(end, "n") : wholeTo, isCut: bytesOf(rows) >= bytesMax };
  };

  /** Runs the statements, and before them reads the device that the query names. */
  async function read({ tenant, user }: Identity, { undelivered }: HistoryQuery, statements: readonly Statement[]) {
    if (undelivered === undefined) return { lists: await engine.read(statements), device: null };
    const device: Statement = { sql: selectDevice, args: [tenant, user, undelivered] };
    const [[row] = [], ...lists] = await engine.read([device, ...statements]);
    if (row) {
      history.note(history.cursorOf(row));
      onDevice({ tenant, user }, undelivered, integer(row, "seen"));
    }
    return { lists, device: row ?? ("no device" as const) };
  }

  async function inConversation(identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice | null> {
    const { order, limit } = query;
    const below = order.down ?? Math.min((order.up ?? 0) + 1, newest);
    const above = order.up ?? below - 1;
    // One row more than is wanted, also on the side where none is wanted: it shows whether there is more.
    const asked = { down: (order.down === undefined ? 0 : limit) + 1, up: (order.up === undefined ? 0 : limit) + 1 };
    const args = (position: number, count: number) => [
      ...[...filterArgs(identity, query), position, rowsFor(query, count, rowsMax), count],
      ...[...conversationArgs(query), bytesMax],
    ];
    const { lists, device } = await read(identity, query, [
      { sql: sql.selectConversationSeq, args: [identity.tenant, identity.user, ...conversationArgs(query)] },
      { sql: sql.selectConversationBefore, args: args(below, asked.down) },
      { sql: sql.selectConversationAfter, args: args(above, asked.up) },
    ]);
    const [[found] = [], before = [], after = []] = lists;
    if (!found) return query.conversation === undefined ? nothing(device) : null;
    if (device === "no device") return device;
    const [floor, last] = [integer(found, "floor"), integer(found, "seq")];
    const lowest = Math.min(below, last + 1) - rowsFor(query, asked.down, rowsMax);
    const highest = Math.max(above, floor) + rowsFor(query, asked.up, rowsMax);
    const down = pageRead(before, "down", lowest > floor + 1 ? lowest : null);
    const up = pageRead(after, "up", highest < last ? highest : null);
    const page = pageOf(
      sideOf([down], { positionOf: bySeq, toward: "down", asked: asked.down }),
      sideOf([up], { positionOf: bySeq, toward: "up", asked: asked.up }),
      { order, limit, bytesMax },
    );
    return withCursor(page, query, device);
  }

  /** All messages that the asker wrote and received, the newest first. */
  async function everywhere(identity: Identity, query: HistoryQuery): Promise<HistoryPage> {
    const { order, limit } = query;
    const position = order.down ?? newest;
    const asked = limit + 1;
    const args = [...filterArgs(identity, query), position, rowsFor(query, asked, rowsMax), asked, bytesMax];
    const { lists } = await read(identity, query, [{ sql: sql.selectBefore, args }]);
    const [found = []] = lists;
    const side = sideOf([pageRead(found, "down")], { positionOf: byN, toward: "down", asked });
    const page = pageOf(side, none, { order: { down: position }, limit, bytesMax });
    return { ...page, more: { ...page.more, after: position !== newest } };
  }

  /** The messages that a device has not acked, the oldest first. */
  async function undelivered(identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice> {
    const { order, limit } = query;
    const position = order.up ?? 0;
    const asked = limit + 1;
    const args = [...filterArgs(identity, query), position, rowsMax, asked, bytesMax];
    const { lists, device } = await read(identity, query, [{ sql: sql.selectReceivedAfter, args }]);
    if (device === "no device") return device;
    const [rows = []] = lists;
    const side = sideOf([pageRead(rows, "up")], { positionOf: byN, toward: "up", asked });
    const page = pageOf(none, side, { order: { up: position }, limit, bytesMax });
    return withCursor({ ...page, more: { ...page.more, before: position > 0 } }, query, device);
  }

  /** Ids are looked up one after the other; where not all of them fit, the page covers the first ones. */
  async function byIds(identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice | null> {
    const { order, limit, ids = [] } = query;
    const { up = 0, ids: first = 0, author = -1 } = order;
    // Other senders may use the same id; this bounds how many of their messages are read.
    const rows = Math.min(rowsMax, rowsPerId * Math.max(limit, ids.length));
    const isAnywhere = query.conversation === undefined && query.with === undefined ? 1 : 0;
    const args = [JSON.stringify(ids.slice(first)), rows, author, ...conversationArgs(query), isAnywhere, bytesMax];
    const { lists, device } = await read(identity, query, [
      { sql: sql.selectConversationSeq, args: [identity.tenant, identity.user, ...conversationArgs(query)] },
      { sql: sql.selectByIds, args: [...filterArgs(identity, query), ...args] },
    ]);
    const [[found] = [], seen = []] = lists;
    if (!found && isAnywhere === 0) return query.conversation === undefined ? nothing(device) : null;
    if (device === "no device") return device;
    const messages = seen.filter((row) => flag(row, "is_wanted")).map(messageOf);
    const rest = messages.filter(({ n }) => n > up).sort((a, b) => a.n - b.n);
    const side: PageSide = { found: rest, wholeTo: null, positionOf: byN };
    const taken = takeFrom(side, { count: limit, bytesMax, start: up });
    const isCut = seen.length >= rows || bytesOf(seen) >= bytesMax;
    const end = isCut ? seen[seen.length - 1] : undefined;
    const here = { ...(first > 0 && { ids: first }), ...(author >= 0 && { author }) };
    const onward = end && { ids: first + integer(end, "place"), author: integer(end, "author"), up: 0 };
    const next = taken.hasMore ? { ...here, up: taken.position } : (onward ?? null);
    // Messages that were not looked at may be older than all that were.
    const more = { before: up > 0 || first > 0 || author >= 0 || end !== undefined, after: next !== null };
    return withCursor({ messages: taken.messages, more, ...(next !== null && { next }) }, query, device);
  }

  return (identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice | null> => {
    if (query.ids !== undefined) return byIds(identity, query);
    if (query.conversation !== undefined || query.with !== undefined) return inConversation(identity, query);
    return query.undelivered === undefined ? everywhere(identity, query) : undelivered(identity, query);
  };
}

/** A query by ids looks at this many rows for each id, or for each message that is wanted. */
const rowsPerId = 4;

const none: PageSide = { found: [], wholeTo: null, positionOf: byN };

const bytesOf = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + integer(row, "bytes"), 0);

const nothing = (device: Row | NoDevice | null): HistoryPage | NoDevice =>
  device === "no device" ? device : { messages: [], more: { before: false, after: false } };

type PageOptions = { readonly order: PageOrder; readonly limit: number; readonly bytesMax: number };

/** Joins both sides of a query's start: each gets half of the page where both are wanted, and the room that the other leaves. */
function pageOf(below: PageSide, above: PageSide, { order, limit, bytesMax }: PageOptions): HistoryPage {
  const isAround = order.down !== undefined && order.up !== undefined;
  const room = Math.max(Math.floor(limit / 2), limit - above.found.length);
  const countBelow = order.down === undefined ? 0 : isAround ? Math.min(below.found.length, room) : limit;
  const countAbove = order.up === undefined ? 0 : isAround ? limit - countBelow : limit;
  const down = takeFrom(below, { count: countBelow, bytesMax, start: order.down ?? 0 });
  const up = takeFrom(above, { count: countAbove, bytesMax, start: order.up ?? 0 });
  const next: PageOrder = { ...onward("down", order, down), ...onward("up", order, up) };
  return {
    messages: [...down.messages.toReversed(), ...up.messages],
    more: { before: down.hasMore, after: up.hasMore },
    ...(Object.keys(next).length > 0 && { next }),
  };
}

const onward = (way: "down" | "up", order: PageOrder, { hasMore, position }: Taken): PageOrder =>
  order[way] !== undefined && hasMore ? { [way]: position } : {};

/** Only the unfiltered undelivered list can be acked: with a filter, the ack would also cover the messages that the filter left out. */
function withCursor(page: HistoryPage, query: HistoryQuery, device: Row | null): HistoryPage {
  const { conversation, with: other, ids, from, since, until } = query;
  if (device === null || [conversation, other, ids, from, since, until].some((one) => one !== undefined)) return page;
  const last = page.messages[page.messages.length - 1];
  return { ...page, cursor: { epoch: text(device, "epoch"), n: last?.n ?? integer(device, "acked") } };
}
