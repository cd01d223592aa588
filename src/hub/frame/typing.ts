import { membersFor, noConversation } from "../../action/conversation.ts";
import { toOneself } from "../../action/send.ts";
import { encodeFrame } from "../../protocol/encode.ts";
import { isBlockedBetween } from "../relationship-cache.ts";
import type { Handler } from "./handler.ts";

const refusals = {
  forbidden: "The one who types may not write to the other",
  unavailable: "It cannot be checked now who may write to whom",
} as const;

/** Tells the other people of a conversation, where they are here; stored nowhere. */
export const typing: Handler<"typing"> = async (connection, frame, context) => {
  const { store, ties, policy, hint } = context;
  const { session } = connection;
  const { tenant, user } = session;
  if (frame.to === user) {
    connection.reply({ type: "error", ...toOneself });
    return;
  }
  // Nobody can be told of a conversation that does not exist yet.
  const conversation = frame.conversation ?? (await store.direct(tenant, user, frame.to ?? ""));
  if (conversation === null) return;
  const members = await membersFor(store, { asker: session, conversation });
  if (members === null) {
    connection.reply({ type: "error", ...noConversation });
    return;
  }
  const verdict = await policy.decide("typing", session, frame);
  if (verdict !== "allowed") {
    connection.reply({ type: "error", code: verdict, message: refusals[verdict] });
    return;
  }
  const others = members.filter((member) => member !== user);
  const between = await ties.of(session, others);
  const text = encodeFrame({ type: "typing", conversation, user, typing: frame.typing });
  for (const [i, tie] of between.entries()) if (!isBlockedBetween(tie)) hint(tenant, others[i] ?? "", text);
};
