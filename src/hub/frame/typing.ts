import { membersFor, noConversation } from "../../action/conversation.ts";
import { encodeFrame } from "../../protocol/encode.ts";
import { isBlockedBetween } from "../relationship-cache.ts";
import type { Handler } from "./handler.ts";

const refusals = {
  forbidden: "The user may not write in this conversation",
  unavailable: "The permission to write cannot be checked now",
} as const;

const toOneself = { code: "invalid_recipient", message: "Nobody is shown their own typing" } as const;

/** Sends `typing` to the connections of the conversation's other users; it is stored nowhere. */
export const typing: Handler<"typing"> = async ({ session }, frame, context) => {
  const { store, relationships, policy, sendVolatile } = context;
  const { tenant, user } = session;
  if (frame.to === user) return { type: "error", ...toOneself };
  // A conversation that does not exist yet has no others to notify.
  const conversation = frame.conversation ?? (await store.direct(tenant, user, frame.to ?? ""));
  if (conversation === null) return undefined;
  const members = await membersFor(store, { asker: session, conversation });
  if (members === null) return { type: "error", ...noConversation };
  const others = members.filter((member) => member !== user);
  // The user's conversation with themselves has nobody to notify.
  if (others.length === 0) return undefined;
  const verdict = await policy.decide("typing", session, frame);
  if (verdict !== "allowed") return { type: "error", code: verdict, message: refusals[verdict] };
  const text = encodeFrame({ type: "typing", conversation, user, typing: frame.typing });
  for (const [i, relationship] of (await relationships.of(session, others)).entries())
    if (!isBlockedBetween(relationship)) sendVolatile(tenant, others[i] ?? "", text);
  return undefined;
};
