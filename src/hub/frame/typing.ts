import { membersFor, noConversation } from "../../action/conversation.ts";
import { group } from "../../log/group.ts";
import type { Identity } from "../../model.ts";
import { encodeFrame } from "../../protocol/encode.ts";
import { levelMin } from "../../protocol/level.ts";
import { isBlockedBetween } from "../relationship-cache.ts";
import type { Handler, HandlerContext } from "./handler.ts";

const refusals = {
  forbidden: "The user may not write in this conversation",
  unavailable: "The permission to write cannot be checked now",
} as const;

const toOneself = { code: "invalid_recipient", message: "Nobody is shown their own typing" } as const;

/** Sends `typing` to the connections of the conversation's other users, in a small group to those of its members; it is stored nowhere. */
export const typing: Handler<"typing"> = async ({ session }, frame, context) => {
  const { store, relationships, policy, sendVolatile } = context;
  const { tenant, user } = session;
  if (frame.to === user) return { type: "error", ...toOneself };
  // A conversation that does not exist yet has no others to notify.
  const conversation = frame.conversation ?? (await store.direct(tenant, user, frame.to ?? ""));
  if (conversation === null) return undefined;
  const asked = { asker: session, conversation };
  const pair = await membersFor(store, asked);
  const members = pair ?? (await membersOfGroup(context, asked));
  if (members === null) return { type: "error", ...noConversation };
  const others = members.filter((member) => member !== user);
  // The user's conversation with themselves has nobody to notify.
  if (others.length === 0) return undefined;
  const verdict = await policy.decide("typing", session, frame);
  if (verdict !== "allowed") return { type: "error", code: verdict, message: refusals[verdict] };
  const text = encodeFrame({ type: "typing", conversation, user, typing: frame.typing });
  const level = pair === null ? group.level : levelMin;
  for (const [i, relationship] of (await relationships.of(session, others)).entries())
    if (!isBlockedBetween(relationship)) sendVolatile({ tenant, user: others[i] ?? "" }, text, level);
  return undefined;
};

/** The members of a small group; of a large one none, for all would hear of all. Null: the asker is not among them. */
async function membersOfGroup(
  { store, limits }: Pick<HandlerContext, "store" | "limits">,
  { asker, conversation }: { readonly asker: Identity; readonly conversation: string },
): Promise<readonly string[] | null> {
  const page = await store.groups.members(asker, conversation, { after: "", limit: limits.groupReceiptsMax });
  if (page === null) return null;
  return page.next === undefined ? page.members.map((member) => member.user) : [];
}
