import { createLru } from "../../internal/lru.ts";
import type { Identity } from "../../model.ts";
import { decodeConversation, encodeConversation } from "../../protocol/conversation-id.ts";
import type { Engine, Row, Value } from "../engine/engine.ts";
import type { OneHistory } from "../one-history.ts";
import { integer, text } from "../row.ts";
import * as deviceSql from "../device-position-sql.ts";
import * as logSql from "./log-sql.ts";
import * as sql from "../sql.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { DeviceStart, MessageStretch, Page, PageBound, Stretch } from "../store.ts";
import { rowsPerConversation, wayOf } from "../own-messages.ts";
import { receiptsPerConversation } from "../own-receipts.ts";
import {
  type ByWays,
  groupMessagesOfUser,
  messagesOfUser,
  receiptsOfUser,
  type Select,
  selectMessagesOfAll,
  selectsOfAll,
  selectsOfMember,
  selectsOfUser,
} from "./log-rows.ts";

/** Conversations with cached members. The members of a direct conversation never change. */
const conversationsCachedMax = 100_000;

type Cut<Item> = {
  readonly items: readonly Item[];
  /** The items are complete up to here; null: all are here. */
  readonly wholeTo: number | null;
};

/**
 * The items of one statement, in the order of n, and up to where they are complete: it may be cut at its rows, at the bytes of its texts, or at what it looked at, as `upTo` or
 * a row without a conversation says.
 */
function cutOf<Item>(
  rows: readonly Row[],
  itemOf: (row: Row) => Item,
  { rows: rowsMax, bytes: bytesMax, upTo = null }: PageBound & { readonly upTo?: number | null },
): Cut<Item> {
  const isEnd = (row: Row | undefined): boolean => row?.["conversation"] === null;
  const end = rows.find(isEnd);
  const found = (end ? rows.filter((row) => !isEnd(row)) : [...rows]).sort((a, b) => integer(a, "n") - integer(b, "n"));
  const bytes = found.reduce((sum, row) => sum + Number(row["bytes"] ?? 0), 0);
  const last = found.length >= rowsMax || bytes >= bytesMax ? found[found.length - 1] : undefined;
  const cut = last ?? end;
  return { items: found.map(itemOf), wholeTo: cut ? integer(cut, "n") : upTo };
}

/** Merges lists that may be cut at their ends. The result is complete up to the lowest n at which one of them was cut. */
function mergeCut<Item>(lists: readonly Cut<Item>[], n: (item: Item) => number, head: number) {
  const ends = lists.flatMap(({ wholeTo }) => (wholeTo === null ? [] : [wholeTo]));
  const upTo = Math.min(head, ...ends);
  const items = lists
    .flatMap((list) => list.items)
    .filter((item) => n(item) <= upTo)
    .sort((a, b) => n(a) - n(b));
  return { items, upTo, more: ends.length > 0 };
}

/** One statement that reads changes of a user; `upTo`: the rows of the log that it looks at, null: all up to the head. */
type Look = Pick<ByWays, "itemOf"> & {
  readonly select: string;
  readonly args: readonly Value[];
  readonly upTo: number | null;
};

/** Where to look for the messages and receipts of a user after `after`, by a row of `selectNews`. */
function looksFor(
  news: Row,
  { after, until, bound: { rows: most, bytes } }: { after: number; until: number; bound: PageBound },
): readonly Look[] {
  const lookFor = (
    { ways, hasText, itemOf }: ByWays,
    { count, newest, rowsPerConversation }: { count: number; newest: number; rowsPerConversation: number },
  ): Look[] => {
    // All of them were looked at, and have nothing.
    if (count <= logSql.newsLooked && newest <= after) return [];
    const way = wayOf({ after, until, conversations: count, most, rowsPerConversation });
    if (way === "conversations")
      return [{ itemOf, select: ways.inConversations, args: [until, ...(hasText ? [bytes, count] : [])], upTo: null }];
    const upTo = way.rowsUpTo;
    const args = [upTo, ...(hasText ? [bytes] : [])];
    return [{ itemOf, select: ways.inRows, args, upTo: upTo < until ? upTo : null }];
  };
  const at = (column: string): number => (news[column] === null ? 0 : integer(news, column));
  const groups = at("groups");
  return [
    ...(at("is_in_groups") === 1
      ? selectsOfMember.map(({ sql: select, itemOf }) => ({ itemOf, select, args: [], upTo: null }))
      : []),
    // Only groups that have news are counted, unless there are very many of them.
    ...(groups > 0 ? lookFor(groupMessagesOfUser, { count: groups, newest: until, rowsPerConversation }) : []),
    ...lookFor(messagesOfUser, { count: at("conversations"), newest: at("message"), rowsPerConversation }),
    ...lookFor(receiptsOfUser, {
      ...{ count: at("marked"), newest: at("receipt") },
      rowsPerConversation: receiptsPerConversation,
    }),
  ];
}

export type ReaderOptions = {
  readonly engine: Engine;
  /** `note` is called with each head that was read. */
  readonly history: Pick<OneHistory, "note" | "cursorOf">;
  readonly limits: Limits;
};

/** Reads, each on one snapshot of the database. */
export function createReader({ engine, history, limits }: ReaderOptions) {
  const members = createLru<string, readonly string[]>(conversationsCachedMax);
  const directs = createLru<string, string>(conversationsCachedMax);

  /** Entries of all kinds, in the order of n, and complete up to `upTo`. */
  async function merged<Item>(
    selects: readonly Select<Item>[],
    { args, bound }: { readonly args: readonly Value[]; readonly bound: PageBound },
    n: (item: Item) => number,
  ) {
    const [[head] = [], ...found] = await engine.read([
      { sql: sql.selectHead },
      ...selects.map(({ sql: select, hasText }) => ({ sql: select, args: hasText ? [...args, bound.bytes] : args })),
    ]);
    const here = history.cursorOf(head);
    history.note(here);
    const lists = selects.map(({ itemOf }, i) => cutOf(found[i] ?? [], itemOf, bound));
    return mergeCut(lists, n, here.n);
  }

  /** Reads in two steps: what is cheap to read, with where to look for the rest; then the rest, up to the same head. */
  async function changesOf({ tenant, user }: Identity, after: number, bound: PageBound) {
    const args = [tenant, user, after, bound.rows];
    const [[head] = [], [news] = [], ...found] = await engine.read([
      { sql: sql.selectHead },
      { sql: logSql.selectNews, args: args.slice(0, 3) },
      ...selectsOfUser.map(({ sql: select }) => ({ sql: select, args })),
    ]);
    const here = history.cursorOf(head);
    history.note(here);
    const lists = selectsOfUser.map(({ itemOf }, i) => cutOf(found[i] ?? [], itemOf, bound));
    let seen = here.n;
    const looks = news === undefined ? [] : looksFor(news, { after, until: here.n, bound });
    if (looks.length > 0) {
      const [[again] = [], ...looked] = await engine.read([
        { sql: sql.selectHead },
        ...looks.map(({ select, args: rest }) => ({ sql: select, args: [...args, ...rest] })),
      ]);
      // It may have another history by now, or a copy may answer that lags behind.
      const there = history.cursorOf(again);
      history.note(there);
      seen = Math.min(seen, there.n);
      lists.push(...looks.map(({ itemOf, upTo }, i) => cutOf(looked[i] ?? [], itemOf, { ...bound, upTo })));
    }
    return mergeCut(lists, ({ n }) => n, seen);
  }

  return {
    async device({ tenant, user }: Identity, device: string): Promise<DeviceStart | null> {
      const [[row] = []] = await engine.read([{ sql: deviceSql.selectDevice, args: [tenant, user, device] }]);
      if (!row) return null;
      const head = history.cursorOf(row);
      history.note(head);
      const { epoch, n } = head;
      return {
        ...{ synced: integer(row, "synced"), newest: integer(row, "newest"), head: { epoch, n } },
        ...{ seen: integer(row, "seen"), level: integer(row, "synced_level") },
      };
    },

    async changes(identity: Identity, after: number, { rows, bytes }: PageBound): Promise<Page> {
      const bound = { rows, bytes: Math.max(1, Math.min(bytes, limits.pageBytesMax)) };
      const { items, upTo, more } = await changesOf(identity, after, bound);
      return { changes: items, upTo, more };
    },

    async log(after: number, limit: number): Promise<Stretch> {
      const bound = { rows: limit, bytes: limits.stretchBytesMax };
      const args = [after, limit];
      const { items, upTo, more } = await merged(selectsOfAll, { args, bound }, ({ change }) => change.n);
      return { entries: items, upTo, more };
    },

    async messages(after: number, limit: number): Promise<MessageStretch> {
      const bound = { rows: limit, bytes: limits.stretchBytesMax };
      const { items, upTo } = await merged([selectMessagesOfAll], { args: [after, limit], bound }, ({ n }) => n);
      return { messages: items, upTo };
    },

    async members(tenant: string, conversation: string): Promise<readonly string[] | null> {
      const key = decodeConversation(conversation);
      if (key === null) return null;
      const name = `${tenant} ${key}`;
      const known = members.get(name);
      if (known) return known;
      const [rows = []] = await engine.read([{ sql: logSql.selectMembers, args: [tenant, key] }]);
      if (rows.length === 0) return null;
      const users = rows.map((row) => text(row, "id"));
      members.set(name, users);
      return users;
    },

    async messageAt(conversation: string, seq: number): Promise<string | null> {
      const key = decodeConversation(conversation);
      if (key === null) return null;
      const [[row] = []] = await engine.read([{ sql: logSql.selectMessageAt, args: [key, seq] }]);
      return row ? text(row, "id") : null;
    },

    async direct(tenant: string, one: string, other: string): Promise<string | null> {
      const name = one < other ? `${tenant} ${one} ${other}` : `${tenant} ${other} ${one}`;
      const known = directs.get(name);
      if (known) return known;
      const [[row] = []] = await engine.read([{ sql: logSql.selectDirect, args: [tenant, one, other] }]);
      if (!row) return null;
      const conversation = encodeConversation(integer(row, "key"));
      directs.set(name, conversation);
      return conversation;
    },
  };
}
