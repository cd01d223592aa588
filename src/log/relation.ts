import type { ChangeLogKind } from "./log-kind.ts";

/** A contact or a block, for all devices of the user who made it; the other user never gets it. */
export const relation: ChangeLogKind<"relation"> = {
  level: 1,
  fields: { user: "string", contact: "boolean", blocked: "boolean" },
  consequences({ tenant, users, change: { user: other, blocked, n } }, { forgetRelationship, noteBlock }) {
    for (const user of users) {
      forgetRelationship?.(tenant, user, other);
      if (blocked) noteBlock?.({ tenant, user, other, n });
    }
  },
  // Any node may remember the relationship.
  isForAllNodes: () => true,
  keyInCommit: null,
  encode: ({ kind, user, contact, blocked }) => ({ kind, user, contact, blocked }),
  textLength: () => 0,
  payer: () => null,
};
