import type { Conversation, Cursor, Message } from "../../model.ts";

/** Where a query goes on: messages below `down`, or above `up`, or both; by seq in a conversation, else by change number. */
export type Walk = {
  readonly down?: number;
  readonly up?: number;
  /** In a query by ids: these ids, and senders of the first one, have been looked at. */
  readonly ids?: number;
  readonly author?: number;
};

/** What somebody wants to see. All of it must hold for a message. */
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
  readonly walk: Walk;
  readonly limit: number;
};

export type HistoryPage = {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Whether there is more before the first and after the last, or may be where nobody has looked. */
  readonly more: { readonly before: boolean; readonly after: boolean };
  /** How to go on the same way; absent where that way has ended. */
  readonly next?: Walk;
  /** Where a device stands once it has stored the page: only where its undelivered messages were asked for. */
  readonly cursor?: Cursor;
};

export type ConversationPage = {
  readonly conversations: readonly Conversation[];
  /** Messages that were counted one by one for it. */
  readonly counted: number;
  /** The change number below which to go on; absent: there is nothing more. */
  readonly next?: number;
};

/** Above every seq and every change number. */
export const newest = Number.MAX_SAFE_INTEGER;
