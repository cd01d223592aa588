import { noConversation } from "../action/conversation.ts";
import { ChatError } from "../error.ts";
import type { Identity } from "../model.ts";
import { message } from "../log/message.ts";
import type { Store } from "../store/store.ts";
import type { MessagePage } from "./answer-schema.ts";
import { encodeNext, type Query } from "./selectors.ts";

/**
 * The page of messages that a query selects, for `GET /messages` and `chat.messages`. Marks nothing as delivered.
 *
 * @throws ChatError `not_found`: the conversation is not the user's; `unavailable`.
 */
export async function readMessages(
  store: Pick<Store, "history" | "cursors">,
  identity: Identity,
  { query, selectors }: Query,
): Promise<MessagePage> {
  const page = await store.history(identity, query);
  if (page === null) throw new ChatError(noConversation.code, noConversation.message);
  const { messages, more, next, cursor } = page;
  return {
    messages: messages.map((each) => message.encode({ kind: "message", ...each })),
    more,
    // The list that can be confirmed goes on by being confirmed.
    ...(cursor
      ? { cursor: store.cursors.encode({ n: cursor.n, isList: true }) }
      : next && { next: encodeNext({ selectors, walk: next }, store.cursors) }),
  };
}
