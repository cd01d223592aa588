import type { Conversation, Cursor, GroupConversation, Message } from "../../model.ts";

/** Where a query goes on: messages below `down`, or above `up`, or both; by seq in a conversation, else by change number. */
export type PageOrder = {
  readonly down?: number;
  readonly up?: number;
  /** In a query by ids: these ids, and senders of the first one, have been looked at. */
  readonly ids?: number;
  readonly author?: number;
};

/** The messages that a caller wants. A message must satisfy all of it. */
export type HistoryQuery = {
  /** At most one of these two. */
  readonly conversation?: string;
  readonly with?: string;
  readonly ids?: readonly string[];
  readonly from?: string;
  /** Milliseconds since the Unix epoch, both included. */
  readonly since?: number;
  readonly until?: number;
  /** Only what this device has not acked. */
  readonly undelivered?: string;
  readonly order: PageOrder;
  readonly limit: number;
};

export type HistoryPage = {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Whether there are, or may be, more messages before the first and after the last. */
  readonly more: { readonly before: boolean; readonly after: boolean };
  /** Where the next page in the same direction begins; absent: there is none. */
  readonly next?: PageOrder;
  /** The cursor of a device once it has stored the page: only where its undelivered messages were asked for. */
  readonly cursor?: Cursor;
};

/** A conversation, by its id or by the other user: exactly one of the two. */
export type OneConversation = { readonly conversation?: string; readonly with?: string };

export type ListOptions = { readonly below: number; readonly limit: number };

/** A page of the list; `MixedPage`: with the user's groups among them. */
export type MixedPage = ConversationPage<Conversation | GroupConversation>;

export type ConversationPage<Item = Conversation> = {
  readonly conversations: readonly Item[];
  /** Messages that were counted one by one for it. */
  readonly counted: number;
  /** The change number below which to go on; absent: there is nothing more. */
  readonly next?: number;
};

/** Above every seq and every change number. */
export const newest = Number.MAX_SAFE_INTEGER;
