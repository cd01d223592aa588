import type { Clock } from "../../internal/clock.ts";
import type { Conversation, GroupConversation, Identity, Setting } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row } from "../engine/engine.ts";
import { integer, integerOrNull, text } from "../row.ts";
import { selectGroupList, selectListedGroup } from "../group/group-list-sql.ts";
import { membershipOf } from "../group/group-rows.ts";
import type { ConversationPage, ListOptions, MixedPage, OneConversation } from "./history.ts";
import { selectConversation, selectConversations } from "./history-sql.ts";
import { messageOf, settingOf } from "./log-rows.ts";

export type ConversationReaderOptions = {
  readonly engine: Pick<Engine, "read">;
  readonly limits: Limits;
  readonly clock: Pick<Clock, "now">;
};

/** A user's conversations, each read on one snapshot of the database. */
export interface ConversationReader {
  /** A page of the list, without groups. */
  page(identity: Identity, options: ListOptions): Promise<ConversationPage>;
  /** One of them, by its id or the other user. */
  one(identity: Identity, which: OneConversation): Promise<ConversationPage>;
  /** A page of the list with groups. */
  mixed(identity: Identity, options: ListOptions): Promise<MixedPage>;
  /** One of them, by its id. */
  listed(identity: Identity, conversation: string): Promise<MixedPage>;
}

/** Reads a user's conversations: a page of the list, or one of them, each on one snapshot of the database. */
export function createConversationReader({ engine, limits, clock }: ConversationReaderOptions): ConversationReader {
  const { unreadRowsMax, pageUnreadRowsMax, answerBytesMax } = limits;
  const bounds = [unreadRowsMax, answerBytesMax, pageUnreadRowsMax];

  /** How many of the rows make a page: limited by the bytes of their texts and by the messages that were counted for it; at least one. */
  function countOf(rows: readonly Row[], limit: number): number {
    let bytes = 0;
    const end = rows.findIndex((row, i) => {
      bytes += JSON.stringify(text(row, "text")).length;
      return i === limit || (i > 0 && (bytes > answerBytesMax || integer(row, "spent") >= pageUnreadRowsMax));
    });
    return end === -1 ? rows.length : end;
  }

  async function one({ tenant, user }: Identity, which: OneConversation): Promise<ConversationPage> {
    const key = which.conversation === undefined ? null : (decodeConversation(which.conversation) ?? -1);
    const args = [tenant, user, null, null, ...bounds, key, which.with ?? null];
    const [rows = []] = await engine.read([{ sql: selectConversation, args }]);
    return pageOfOne(rows, conversationOf);
  }

  async function listed({ tenant, user }: Identity, conversation: string): Promise<MixedPage> {
    const key = decodeConversation(conversation) ?? -1;
    const args = [tenant, user, null, null, ...bounds, key];
    const [rows = [], inGroups = []] = await engine.read([
      { sql: selectConversation, args: [...args, null] },
      { sql: selectListedGroup, args },
    ]);
    return rows.length > 0 ? pageOfOne(rows, conversationOf) : pageOfOne(inGroups, groupConversationOf);
  }

  const pageOfOne = <Item>(rows: readonly Row[], itemOf: (row: Row, now: number) => Item): ConversationPage<Item> => ({
    conversations: rows.map((row) => itemOf(row, clock.now())),
    counted: rows[0] ? integer(rows[0], "own_spent") : 0,
  });

  /** A page of one kind. `end`: how far down it was looked at, unless to the end. */
  function pageOf<Item>(
    rows: readonly Row[],
    { limit, end, itemOf }: { limit: number; end: Row | undefined; itemOf: (row: Row, now: number) => Item },
  ) {
    const shown = rows.slice(0, countOf(rows, limit));
    const last = shown[shown.length - 1];
    const bytes = rows.reduce((sum, row) => sum + integer(row, "bytes"), 0);
    const isMore = shown.length < rows.length || bytes >= answerBytesMax;
    // What was looked at ends above the last row only where the page is not full.
    const next = last !== undefined && isMore ? last : end;
    const now = clock.now();
    return {
      rows: shown.map((row) => ({ activity: integer(row, "activity"), item: itemOf(row, now) })),
      counted: last ? integer(last, "spent") + integer(last, "own_spent") : 0,
      next: next === undefined ? 0 : integer(next, "activity"),
    };
  }

  const listArgs = ({ tenant, user }: Identity, { below, limit }: ListOptions) => [
    ...[tenant, user, below, limit + 1],
    ...bounds,
  ];

  function directPage(found: readonly Row[], limit: number) {
    const end = found.find((row) => row["peer"] === null);
    const rows = found.filter((row) => row !== end);
    return pageOf(rows, { limit, end, itemOf: conversationOf });
  }

  async function page(identity: Identity, options: ListOptions): Promise<ConversationPage> {
    const [found = []] = await engine.read([{ sql: selectConversations, args: listArgs(identity, options) }]);
    const { rows, counted, next } = directPage(found, options.limit);
    return { conversations: rows.map(({ item }) => item), counted, ...(next > 0 && { next }) };
  }

  async function mixed(identity: Identity, options: ListOptions): Promise<MixedPage> {
    const { limit } = options;
    const args = listArgs(identity, options);
    const [found = [], inGroups = []] = await engine.read([
      { sql: selectConversations, args },
      { sql: selectGroupList, args },
    ]);
    const directs = directPage(found, limit);
    const others = pageOf(inGroups, { limit, end: undefined, itemOf: groupConversationOf });
    // Both are complete down to here.
    const floor = Math.max(directs.next, others.next);
    const rows = [...directs.rows, ...others.rows]
      .filter(({ activity }) => activity >= floor)
      .sort((a, b) => b.activity - a.activity);
    const shown = rows.slice(0, limit);
    const next = shown.length < rows.length ? (shown.at(-1)?.activity ?? floor) : floor;
    return {
      conversations: shown.map(({ item }) => item),
      counted: directs.counted + others.counted,
      ...(next > 0 && { next }),
    };
  }

  return { page, one, mixed, listed };
}

/** The setting of a row; a mute that is over is none. */
function settingAt(row: Row, now: number): Setting {
  const { version, ...mute } = settingOf(row);
  const isOver = mute.until !== undefined && mute.until <= now;
  return { ...(isOver ? { muted: false } : mute), version };
}

function groupConversationOf(row: Row, now: number): GroupConversation {
  const lastMessage = messageOf(row);
  const { status, role, first, last, read, group } = membershipOf({
    ...row,
    ...{ user: "", joined: 0, joined_n: 0, until_n: null, version: integer(row, "state_version") },
  });
  return {
    ...{ kind: "group", id: lastMessage.conversation, status, role, first },
    ...(last !== undefined && { last }),
    read,
    ...(group !== undefined && { state: group, size: integer(row, "size") }),
    ...{ lastMessage, unread: integer(row, "unread"), mentions: integer(row, "mentions_unread") },
    setting: settingAt(row, now),
  };
}

function conversationOf(row: Row, now: number): Conversation {
  const lastMessage = messageOf(row);
  const peerRead = integerOrNull(row, "peer_read");
  return {
    id: lastMessage.conversation,
    with: text(row, "peer"),
    lastMessage,
    unread: integer(row, "unread"),
    delivered: integer(row, "delivered"),
    read: integer(row, "read"),
    ...(peerRead !== null && { peer: { delivered: integer(row, "peer_delivered"), read: peerRead } }),
    setting: settingAt(row, now),
  };
}
