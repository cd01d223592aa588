import type { ChangeLogKind } from "./log-kind.ts";

/** A message, for both people of its conversation. */
export const message: ChangeLogKind<"message"> = {
  level: 1,
  fields: {
    ...{ conversation: "string", seq: "number", id: "string", from: "string", to: "string" },
    ...{ text: "string", time: "number" },
  },
  consequences({ tenant, change: { n, seq, from, to } }, { markPending, forgetRelationship }) {
    markPending?.({ tenant, user: to }, n);
    // The first message makes the conversation.
    if (seq === 1) forgetRelationship?.(tenant, from, to);
  },
  // The first message makes the conversation, and any node may remember the two as strangers.
  isForAllNodes: ({ change }) => change.seq === 1,
  keyInCommit: null,
  encode({ kind, conversation, seq, id, from, to, text, time }) {
    return { kind, conversation, seq, id, from, to, text, time };
  },
  textLength: ({ text }) => text.length,
  payer: ({ from }) => from,
};
