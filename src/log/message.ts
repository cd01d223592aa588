import { group } from "./group.ts";
import type { ChangeLogKind } from "./log-kind.ts";

/** A message, for both people of its conversation, or for the members of its group. */
export const message: ChangeLogKind<"message"> = {
  level: 1,
  fields: {
    ...{ conversation: "string", seq: "number", id: "string", from: "string" },
    ...{ text: "string", time: "number" },
  },
  levelOf: ({ to }) => (to === undefined ? group.level : message.level),
  consequences({ tenant, change: { n, seq, from, to } }, { markPending, forgetRelationship }) {
    // There is no notification of a message to oneself, and none in groups yet.
    if (to === undefined || from === to) return;
    markPending?.({ tenant, user: to }, n);
    // The first message makes the conversation.
    if (seq === 1) forgetRelationship?.(tenant, from, to);
  },
  // The first message makes the conversation, and any node may remember the two as strangers.
  isForAllNodes: ({ change }) => change.seq === 1 && change.to !== undefined,
  keyInCommit: null,
  encode: ({ kind, conversation, seq, id, from, to, text, time, mentions, event }) => ({
    ...{ kind, conversation, seq, id, from },
    ...(to !== undefined && { to }),
    ...{ text, time },
    ...(mentions !== undefined && { mentions }),
    ...(event !== undefined && { event }),
  }),
  textLength: ({ text }) => text.length,
  payer: ({ from }) => from,
};
