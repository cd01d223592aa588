import type { Identity, Message } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row, Statement, Value } from "../engine/engine.ts";
import { flag, integer, integerOrNull, text } from "../row.ts";
import { type HistoryPage, type HistoryQuery, newest, type Walk } from "./history.ts";
import * as sql from "./history-sql.ts";
import type { OneHistory } from "../one-history.ts";
import { messageOf } from "./log-rows.ts";
import { type Look, type Side, sideOf, type Taken, takeFrom } from "./page-side.ts";
import { selectDevice } from "../sql.ts";

/** The device has no start yet: that is stored first. */
export type NoDevice = "no device";

const bySeq = ({ seq }: Message): number => seq;
const byN = ({ n }: Message): number => n;
const orNull = (value: string | number | undefined): Value => value ?? null;

export type HistoryReaderOptions = {
  readonly engine: Engine;
  /** Told of each head that was read. */
  readonly history: Pick<OneHistory, "note" | "cursorOf">;
  readonly limits: Limits;
  /** A device was asked for; `seen`: when it was last noted as seen, in milliseconds since the Unix epoch. */
  readonly onDevice: (identity: Identity, device: string, seen: number) => void;
};

/** Looks messages up, each query on one snapshot of the database. */
export function createHistoryReader({ engine, history, limits, onDevice }: HistoryReaderOptions) {
  const { historyRowsMax: rowsMax, answerBytesMax: bytesMax } = limits;

  const look = (rows: readonly Row[], wholeTo: number | null): Look => ({
    ...{ rows: rows.map(messageOf), wholeTo },
    isCut: bytesOf(rows) >= bytesMax,
  });

  /** Reads statements behind the one that tells where the device stands. */
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

  /** ?1 to ?6 of every statement: who asks, and what a message must be. */
  const wanted = ({ tenant, user }: Identity, query: HistoryQuery): readonly Value[] => [
    ...[tenant, user, orNull(query.from)],
    ...[query.since ?? 0, query.until ?? newest, orNull(query.undelivered)],
  ];

  const place = (query: HistoryQuery): readonly [Value, Value] => [
    query.conversation === undefined ? null : (decodeConversation(query.conversation) ?? -1),
    orNull(query.with),
  ];

  async function inConversation(identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice | null> {
    const { walk, limit } = query;
    const below = walk.down ?? Math.min((walk.up ?? 0) + 1, newest);
    const above = walk.up ?? below - 1;
    // One row more than is wanted, on the side where nothing is wanted too: it tells whether there is more.
    const asked = { down: (walk.down === undefined ? 0 : limit) + 1, up: (walk.up === undefined ? 0 : limit) + 1 };
    const args = (position: number, count: number) => [
      ...[...wanted(identity, query), position, rowsMax, count],
      ...[...place(query), bytesMax],
    ];
    const { lists, device } = await read(identity, query, [
      { sql: sql.selectPlace, args: [identity.tenant, identity.user, ...place(query)] },
      { sql: sql.selectPlaceBefore, args: args(below, asked.down) },
      { sql: sql.selectPlaceAfter, args: args(above, asked.up) },
    ]);
    const [[found] = [], before = [], after = []] = lists;
    if (!found) return query.conversation === undefined ? nothing(device) : null;
    if (device === "no device") return device;
    const last = integer(found, "seq");
    const lowest = Math.min(below, last + 1) - rowsMax;
    const down = look(before, lowest > 1 ? lowest : null);
    const up = look(after, above + rowsMax < last ? above + rowsMax : null);
    const page = pageOf(
      sideOf([down], { place: bySeq, toward: "down", asked: asked.down }),
      sideOf([up], { place: bySeq, toward: "up", asked: asked.up }),
      { walk, limit, bytesMax },
    );
    return withCursor(page, query, device);
  }

  /** All that the asker wrote and got, the newest first. */
  async function everywhere(identity: Identity, query: HistoryQuery): Promise<HistoryPage> {
    const { walk, limit } = query;
    const position = walk.down ?? newest;
    const asked = limit + 1;
    const args = [...wanted(identity, query), position, rowsMax, asked, bytesMax];
    const { lists } = await read(identity, query, [
      { sql: sql.selectEdgesBefore, args: args.slice(0, 8) },
      { sql: sql.selectSentBefore, args },
      { sql: sql.selectReceivedBefore, args },
    ]);
    const [[edges] = [], sent = [], received = []] = lists;
    const looks = [look(sent, edge(edges, "sent", 1)), look(received, edge(edges, "received", 1))];
    const side = sideOf(looks, { place: byN, toward: "down", asked });
    const page = pageOf(side, none, { walk: { down: position }, limit, bytesMax });
    return { ...page, more: { ...page.more, after: position !== newest } };
  }

  /** What a device has not got, the oldest first. */
  async function undelivered(identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice> {
    const { walk, limit } = query;
    const position = walk.up ?? 0;
    const asked = limit + 1;
    const args = [...wanted(identity, query), position, rowsMax, asked, newest, bytesMax];
    const { lists, device } = await read(identity, query, [
      { sql: sql.selectEdgeAfter, args: args.slice(0, 8) },
      { sql: sql.selectReceivedAfter, args },
    ]);
    if (device === "no device") return device;
    const [[edges] = [], rows = []] = lists;
    const side = sideOf([look(rows, edge(edges, "received", -1))], { place: byN, toward: "up", asked });
    const page = pageOf(none, side, { walk: { up: position }, limit, bytesMax });
    return withCursor({ ...page, more: { ...page.more, before: position > 0 } }, query, device);
  }

  /** Ids are looked up one after the other; should they not fit, a page is of those that were looked at. */
  async function byIds(identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice | null> {
    const { walk, limit, ids = [] } = query;
    const { up = 0, ids: first = 0, author = -1 } = walk;
    // Other senders may use an id too: however many do, the texts of so many are read at most.
    const rows = Math.min(rowsMax, texts * Math.max(limit, ids.length));
    const isAnywhere = query.conversation === undefined && query.with === undefined ? 1 : 0;
    const args = [JSON.stringify(ids.slice(first)), rows, author, ...place(query), isAnywhere, bytesMax];
    const { lists, device } = await read(identity, query, [
      { sql: sql.selectPlace, args: [identity.tenant, identity.user, ...place(query)] },
      { sql: sql.selectByIds, args: [...wanted(identity, query), ...args] },
    ]);
    const [[found] = [], seen = []] = lists;
    if (!found && isAnywhere === 0) return query.conversation === undefined ? nothing(device) : null;
    if (device === "no device") return device;
    const messages = seen.filter((row) => flag(row, "is_wanted")).map(messageOf);
    const rest = messages.filter(({ n }) => n > up).sort((a, b) => a.n - b.n);
    const side: Side = { found: rest, wholeTo: null, place: byN };
    const taken = takeFrom(side, { count: limit, bytesMax, start: up });
    const isCut = seen.length >= rows || bytesOf(seen) >= bytesMax;
    const end = isCut ? seen[seen.length - 1] : undefined;
    const here = { ...(first > 0 && { ids: first }), ...(author >= 0 && { author }) };
    const onward = end && { ids: first + integer(end, "place"), author: integer(end, "author"), up: 0 };
    const next = taken.hasMore ? { ...here, up: taken.position } : (onward ?? null);
    // What has not been looked at may be older than all that has.
    const more = { before: up > 0 || first > 0 || author >= 0 || end !== undefined, after: next !== null };
    return withCursor({ messages: taken.messages, more, ...(next !== null && { next }) }, query, device);
  }

  return (identity: Identity, query: HistoryQuery): Promise<HistoryPage | NoDevice | null> => {
    if (query.ids !== undefined) return byIds(identity, query);
    if (query.conversation !== undefined || query.with !== undefined) return inConversation(identity, query);
    return query.undelivered === undefined ? everywhere(identity, query) : undelivered(identity, query);
  };
}

/** In a query by ids, this many times as many rows are looked at as there are ids, or as are wanted. */
const texts = 4;

const none: Side = { found: [], wholeTo: null, place: byN };

const bytesOf = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + integer(row, "bytes"), 0);

/** What stands before the first row that was not looked at. */
function edge(row: Row | undefined, name: string, back: 1 | -1): number | null {
  const n = row ? integerOrNull(row, name) : null;
  return n === null ? null : n + back;
}

const nothing = (device: Row | NoDevice | null): HistoryPage | NoDevice =>
  device === "no device" ? device : { messages: [], more: { before: false, after: false } };

type PageOptions = { readonly walk: Walk; readonly limit: number; readonly bytesMax: number };

/** What both sides of where a query stands give: each its half where both are wanted, and what the other leaves over. */
function pageOf(below: Side, above: Side, { walk, limit, bytesMax }: PageOptions): HistoryPage {
  const isAround = walk.down !== undefined && walk.up !== undefined;
  const room = Math.max(Math.floor(limit / 2), limit - above.found.length);
  const countBelow = walk.down === undefined ? 0 : isAround ? Math.min(below.found.length, room) : limit;
  const countAbove = walk.up === undefined ? 0 : isAround ? limit - countBelow : limit;
  const down = takeFrom(below, { count: countBelow, bytesMax, start: walk.down ?? 0 });
  const up = takeFrom(above, { count: countAbove, bytesMax, start: walk.up ?? 0 });
  const next: Walk = { ...onward("down", walk, down), ...onward("up", walk, up) };
  return {
    messages: [...down.messages.toReversed(), ...up.messages],
    more: { before: down.hasMore, after: up.hasMore },
    ...(Object.keys(next).length > 0 && { next }),
  };
}

const onward = (way: "down" | "up", walk: Walk, { hasMore, position }: Taken): Walk =>
  walk[way] !== undefined && hasMore ? { [way]: position } : {};

/** The undelivered list by itself can be confirmed; with a filter, what that left out would be confirmed too. */
function withCursor(page: HistoryPage, query: HistoryQuery, device: Row | null): HistoryPage {
  const { conversation, with: other, ids, from, since, until } = query;
  if (device === null || [conversation, other, ids, from, since, until].some((one) => one !== undefined)) return page;
  const last = page.messages[page.messages.length - 1];
  return { ...page, cursor: { epoch: text(device, "epoch"), n: last?.n ?? integer(device, "acked") } };
}
