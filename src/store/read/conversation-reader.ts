import type { Clock } from "../../internal/clock.ts";
import type { Conversation, Identity } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row } from "../engine/engine.ts";
import { integer, integerOrNull, text } from "../row.ts";
import type { ConversationPage, OneConversation } from "./history.ts";
import { selectConversation, selectConversations } from "./history-sql.ts";
import { messageOf, settingOf } from "./log-rows.ts";

export type ConversationReaderOptions = {
  readonly engine: Pick<Engine, "read">;
  readonly limits: Limits;
  readonly clock: Pick<Clock, "now">;
};

/** Reads a user's conversations: a page of the list, or one of them, each on one snapshot of the database. */
export function createConversationReader({ engine, limits, clock }: ConversationReaderOptions) {
  const { unreadRowsMax, pageUnreadRowsMax, answerBytesMax } = limits;

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
    const bounds = [unreadRowsMax, answerBytesMax, pageUnreadRowsMax];
    const args = [tenant, user, null, null, ...bounds, key, which.with ?? null];
    const [rows = []] = await engine.read([{ sql: selectConversation, args }]);
    return {
      conversations: rows.map((row) => conversationOf(row, clock.now())),
      counted: rows[0] ? integer(rows[0], "own_spent") : 0,
    };
  }

  async function page({ tenant, user }: Identity, { below, limit }: { below: number; limit: number }) {
    const args = [tenant, user, below, limit + 1, unreadRowsMax, answerBytesMax, pageUnreadRowsMax];
    const [found = []] = await engine.read([{ sql: selectConversations, args }]);
    const end = found.find((row) => row["peer"] === null);
    const rows = found.filter((row) => row !== end);
    const shown = rows.slice(0, countOf(rows, limit));
    const last = shown[shown.length - 1];
    const bytes = rows.reduce((sum, row) => sum + integer(row, "bytes"), 0);
    const isMore = shown.length < rows.length || bytes >= answerBytesMax;
    // What was looked at ends above the last row only where the page is not full.
    const next = last !== undefined && isMore ? last : end;
    return {
      conversations: shown.map((row) => conversationOf(row, clock.now())),
      counted: last ? integer(last, "spent") + integer(last, "own_spent") : 0,
      ...(next !== undefined && { next: integer(next, "activity") }),
    } satisfies ConversationPage;
  }

  return { page, one };
}

function conversationOf(row: Row, now: number): Conversation {
  const lastMessage = messageOf(row);
  const { version, ...mute } = settingOf(row);
  const isOver = mute.until !== undefined && mute.until <= now;
  const peerRead = integerOrNull(row, "peer_read");
  return {
    id: lastMessage.conversation,
    with: text(row, "peer"),
    lastMessage,
    unread: integer(row, "unread"),
    delivered: integer(row, "delivered"),
    read: integer(row, "read"),
    ...(peerRead !== null && { peer: { delivered: integer(row, "peer_delivered"), read: peerRead } }),
    setting: { ...(isOver ? { muted: false } : mute), version },
  };
}
