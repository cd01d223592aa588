import type { ChangeLogKind } from "./log-kind.ts";

/** A user's setting of a conversation, for all devices of that user; nobody else gets it. */
export const setting: ChangeLogKind<"setting"> = {
  level: 2,
  fields: { conversation: "string", muted: "boolean", version: "number" },
  // Each notification asks for the mute when it is due.
  consequences() {},
  isForAllNodes: () => false,
  keyInCommit: null,
  encode: ({ kind, conversation, muted, until, version }) => ({
    ...{ kind, conversation, muted },
    ...(until !== undefined && { until }),
    version,
  }),
  textLength: () => 0,
  payer: () => null,
};
