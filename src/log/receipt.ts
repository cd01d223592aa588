import { group } from "./group.ts";
import type { ChangeLogKind } from "./log-kind.ts";

/**
 * A user's marks in a conversation, for the user and, unless one of the two has blocked the other, for the other one; in a small group, for all its members.
 */
export const receipt: ChangeLogKind<"receipt"> = {
  level: 1,
  fields: { conversation: "string", user: "string", delivered: "number", read: "number" },
  levelOf: ({ isOfGroup }) => (isOfGroup ? group.level : receipt.level),
  consequences({ tenant, change }, handlers) {
    if (change.read > 0) handlers.noteRead?.({ tenant, ...change });
  },
  isForAllNodes: () => false,
  // One commit may move marks twice: an ack, then a read.
  keyInCommit: ({ conversation, user }) => `${conversation} ${user}`,
  encode: ({ kind, conversation, user, delivered, read }) => ({ kind, conversation, user, delivered, read }),
  textLength: () => 0,
  payer: () => null,
};
