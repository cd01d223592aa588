import type { ChangeLogKind } from "./log-kind.ts";

/** A user's membership of a group, for all devices of that user. */
export const membership: ChangeLogKind<"membership"> = {
  level: 3,
  fields: {
    ...{ conversation: "string", user: "string", status: "string", role: "string" },
    ...{ first: "number", next: "number", joinedN: "number", read: "number" },
  },
  consequences() {},
  isForAllNodes: () => false,
  keyInCommit: ({ conversation, user }) => `${conversation} ${user}`,
  encode: ({ kind, conversation, status, role, first, next, last, read, group }) => ({
    ...{ kind, conversation, status, role, first, next },
    ...(last !== undefined && { last }),
    read,
    ...(group !== undefined && { group }),
  }),
  textLength: () => 0,
  payer: () => null,
};
