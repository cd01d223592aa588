import { membersFor, noConversation } from "../../action/conversation.ts";
import type { Handler } from "./handler.ts";

/** Notes how far the user has seen a conversation. */
export const read: Handler<"read"> = async (connection, frame, { store }) => {
  const { session } = connection;
  if ((await membersFor(store, { asker: session, conversation: frame.conversation })) === null) {
    connection.reply({ type: "error", ...noConversation });
    return;
  }
  store.read(session, frame.conversation, frame.seq);
};
