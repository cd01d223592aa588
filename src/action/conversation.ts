import { ChatError } from "../error.ts";
import type { Identity } from "../model.ts";
import type { Store } from "../store/store.ts";

/** The refusal where a conversation does not exist, and where the user is not in it: they cannot learn which. */
export const noConversation = { code: "not_found", message: "There is no such conversation" } as const;

type ConversationStore = Pick<Store, "members"> & { readonly groups: Pick<Store["groups"], "view"> };

type Asked = { readonly asker: Identity; readonly conversation: string };

/** The users of a conversation, where the asker is one of them; else null. Rejects with `unavailable`. */
export async function membersFor(
  store: Pick<Store, "members">,
  { asker: { tenant, user }, conversation }: Asked,
): Promise<readonly string[] | null> {
  const members = await store.members(tenant, conversation);
  return members?.includes(user) ? members : null;
}

/** Whether a user is in a conversation, or is a member of a group. Rejects with `unavailable`. */
export const isInConversation = async (store: ConversationStore, asked: Asked): Promise<boolean> =>
  (await membersFor(store, asked)) !== null || (await store.groups.view(asked.asker, asked.conversation)) !== null;

/** Rejects with `not_found` where the user is not in this conversation. */
export async function requireConversation(store: ConversationStore, asked: Asked): Promise<void> {
  if (!(await isInConversation(store, asked))) throw new ChatError(noConversation.code, noConversation.message);
}
