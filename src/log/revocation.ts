import type { LogKind } from "./log-kind.ts";

/** The end of a user's sessions, for the nodes alone: each closes the connections that it has. */
export const revocation: LogKind<"revocation"> = {
  level: 1,
  fields: { user: "string", reason: "string" },
  consequences: ({ tenant, change }, { revoke }) => revoke?.(tenant, change),
  // The user may be about to connect to any node.
  isForAllNodes: () => true,
  keyInCommit: null,
};
