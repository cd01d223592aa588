import { isInConversation, noConversation } from "../../action/conversation.ts";
import type { Handler } from "./handler.ts";

/** Notes how far the user has read a conversation. */
export const read: Handler<"read"> = async ({ session }, frame, { store }) => {
  if (!(await isInConversation(store, { asker: session, conversation: frame.conversation })))
    return { type: "error", ...noConversation };
  store.read(session, frame.conversation, frame.seq);
  return undefined;
};
