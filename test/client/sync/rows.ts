import type { Written } from "../../../src/client/vault/contract.ts";
import type { ConversationRow, MessageRow } from "../../../src/client/vault/rows.ts";

export const messageRow = (conversation: string, seq: number, from = "bob"): MessageRow => ({
  ...{ conversation, seq, id: `m${seq}`, from, text: `text ${seq}`, time: seq },
});

/** The conversation `c<number>`, at this place of the list. */
export const conversationRow = (number: number, more: Partial<ConversationRow> = {}): ConversationRow => ({
  ...{ id: `c${number}`, with: `user${number}`, rank: number, last: messageRow(`c${number}`, 1) },
  ...{ own: { delivered: 0, read: 0 }, peer: { delivered: 0, read: 0 } },
  ...{ unread: 0, isExact: true, counted: 1, ranges: [[1, 1]], setting: { muted: false, version: 0 } },
  ...more,
});

export const writtenOf = (conversations: readonly Partial<ConversationRow>[]): Written => ({
  ...{ cursorMoved: true, cursor: null, resets: 0, isReset: false, isOutdated: false },
  conversations: conversations as readonly ConversationRow[],
  relations: [],
  outbox: new Map(),
});
