import { encodeFrame } from "../../protocol/encode.ts";
import type { Handler } from "./handler.ts";

/** Tells the other people of a conversation, where they are here; stored nowhere. */
export const typing: Handler<"typing"> = async (connection, frame, { store, hint }) => {
  const { tenant, user } = connection.session;
  if (frame.to === user) {
    connection.reply({ type: "error", code: "invalid_recipient", message: "One cannot write to oneself" });
    return;
  }
  // Nobody can be told of a conversation that does not exist yet.
  const conversation = frame.conversation ?? (await store.direct(tenant, user, frame.to ?? ""));
  if (conversation === null) return;
  const members = await store.members(tenant, conversation);
  if (!members?.includes(user)) {
    connection.reply({ type: "error", code: "not_found", message: "There is no such conversation" });
    return;
  }
  const text = encodeFrame({ type: "typing", conversation, user, typing: frame.typing });
  for (const member of members) if (member !== user) hint(tenant, member, text);
};
