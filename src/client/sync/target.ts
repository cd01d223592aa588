import type { ConversationRow, Target } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";

/** How vault and server are asked for the conversation of a target. */
export type TargetQuery = { readonly with: string } | { readonly id: string };

export const queryOf = (target: Target): TargetQuery => ("with" in target ? target : { id: target.conversation });

/** The name of a target in the vault, for drafts. */
export const targetKey = (target: Target): string =>
  "with" in target ? `with ${target.with}` : `conversation ${target.conversation}`;

/** A target as the fields of a frame. */
export const wireTarget = (target: Target): { to: string } | { conversation: string } =>
  "with" in target ? { to: target.with } : { conversation: target.conversation };

/** Whether this is the conversation of a target. */
export const isFor = (target: Target, row: ConversationRow): boolean =>
  "with" in target ? target.with === row.with : target.conversation === row.id;

/** The conversation of a target, if this process holds it. */
export const heldRow = (target: Target, cache: Pick<Cache, "byUser" | "conversations">): ConversationRow | null =>
  "with" in target ? cache.byUser(target.with) : (cache.conversations.get(target.conversation) ?? null);
