import type { Handler } from "./handler.ts";

/** Notes how far the user has seen a conversation. */
export const read: Handler<"read"> = async (connection, frame, { store }) => {
  const { session } = connection;
  const members = await store.members(session.tenant, frame.conversation);
  if (!members?.includes(session.user)) {
    connection.reply({ type: "error", code: "not_found", message: "There is no such conversation" });
    return;
  }
  store.read(session, frame.conversation, frame.seq);
};
