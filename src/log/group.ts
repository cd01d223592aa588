import type { ChangeLogKind } from "./log-kind.ts";

/** What all members of a group know of it. */
export const group: ChangeLogKind<"group"> = {
  level: 3,
  fields: {
    ...{
      conversation: "string",
      version: "number",
      name: "string",
      data: "object",
      visibility: "string",
      history: "string",
    },
  },
  consequences() {},
  isForAllNodes: () => false,
  keyInCommit: null,
  encode: ({ kind, conversation, version, name, data, visibility, history }) => ({
    ...{ kind, conversation, version, name, data, visibility, history },
  }),
  textLength: () => 0,
  payer: () => null,
};
