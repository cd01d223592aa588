import type { MessageChange } from "../protocol/frame.ts";

/** Messages that a query selects: what `GET /messages` answers, and `chat.messages`. */
export type MessagePage = {
  /** Oldest first. */
  readonly messages: readonly MessageChange[];
  /** Whether there is more before the first and after the last, or may be where nobody has looked. */
  readonly more: { readonly before: boolean; readonly after: boolean };
  /** Where the device stands once it has stored the page: only over HTTP, where a device's undelivered messages were asked for. */
  readonly cursor?: string;
  /** Goes on the same way; absent where that way has ended. */
  readonly next?: string;
};

/** A conversation as one of its people sees it in their list. */
export type ListedConversation = {
  readonly id: string;
  readonly kind: "direct";
  /** The other one. */
  readonly with: string;
  readonly lastMessage: MessageChange;
  /** Messages of the other above `read`. */
  readonly unread: number;
  /** One's own marks: the places up to which one's devices have stored the conversation, and one has seen it. */
  readonly delivered: number;
  readonly read: number;
  /** The other's: what one's own messages have come to. Absent while one of the two has blocked the other. */
  readonly peer?: { readonly delivered: number; readonly read: number };
};

/** Conversations of a user: what `GET /conversations` answers, and `chat.conversations`. */
export type ConversationPage = {
  /** Newest activity first. */
  readonly conversations: readonly ListedConversation[];
  /** The `after` of the next page; absent: there is nothing more. */
  readonly next?: string;
};
