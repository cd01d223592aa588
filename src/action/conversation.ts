import { ChatError } from "../error.ts";
import type { Identity } from "../model.ts";
import type { Store } from "../store/store.ts";

/** The refusal where a conversation does not exist, and where the user is not in it: they cannot learn which. */
export const noConversation = { code: "not_found", message: "There is no such conversation" } as const;

/** The users of a conversation, where the asker is one of them; else null. Rejects with `unavailable`. */
export async function membersFor(
  store: Pick<Store, "members">,
  { tenant, user }: Identity,
  conversation: string,
): Promise<readonly string[] | null> {
  const members = await store.members(tenant, conversation);
  return members?.includes(user) ? members : null;
}

/** Rejects with `not_found` where the user is not in this conversation. */
export async function requireConversation(
  store: Pick<Store, "members">,
  identity: Identity,
  conversation: string,
): Promise<void> {
  if ((await membersFor(store, identity, conversation)) === null)
    throw new ChatError(noConversation.code, noConversation.message);
}
