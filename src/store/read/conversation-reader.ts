import type { Conversation, Identity } from "../../model.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row } from "../engine/engine.ts";
import type { ConversationPage } from "./history.ts";
import { selectConversations } from "./history-sql.ts";
import { messageOf } from "./log-rows.ts";

/** Reads the list of a user's conversations, each page on one snapshot of the database. */
export function createConversationReader({ engine, limits }: { engine: Engine; limits: Limits }) {
  const { unreadRowsMax, pageUnreadRowsMax, answerBytesMax } = limits;

  /** How many of the rows make a page: bounded in texts, and in what had to be counted for it; the first always. */
  function countOf(rows: readonly Row[], limit: number): number {
    let bytes = 0;
    const end = rows.findIndex((row, i) => {
      bytes += JSON.stringify(row["text"]).length;
      return i === limit || (i > 0 && (bytes > answerBytesMax || Number(row["spent"]) >= pageUnreadRowsMax));
    });
    return end === -1 ? rows.length : end;
  }

  return async (
    { tenant, user }: Identity,
    { below, limit }: { below: number; limit: number },
  ): Promise<ConversationPage> => {
    const [rows = []] = await engine.read([
      {
        sql: selectConversations,
        args: [tenant, user, below, limit + 1, unreadRowsMax, answerBytesMax, pageUnreadRowsMax],
      },
    ]);
    const shown = rows.slice(0, countOf(rows, limit));
    const last = shown[shown.length - 1];
    const bytes = rows.reduce((sum, row) => sum + Number(row["bytes"]), 0);
    const isMore = shown.length < rows.length || bytes >= answerBytesMax;
    return {
      conversations: shown.map(conversationOf),
      counted: Number(last?.["spent"] ?? 0) + Number(last?.["own_spent"] ?? 0),
      ...(last !== undefined && isMore && { next: Number(last["activity"]) }),
    };
  };
}

function conversationOf(row: Row): Conversation {
  const lastMessage = messageOf(row);
  return {
    id: lastMessage.conversation,
    with: String(row["peer"]),
    lastMessage,
    unread: Number(row["unread"]),
    delivered: Number(row["delivered"]),
    read: Number(row["read"]),
    ...(row["peer_read"] !== null && {
      peer: { delivered: Number(row["peer_delivered"]), read: Number(row["peer_read"]) },
    }),
  };
}
