import type { Plants } from "./plant.ts";

export const server = {
  "the limit of open files is not known": {
    rule: "R7",
    file: "standalone/main.ts",
    from: "connectionsWithin(openFiles, defaultLimits.connectionsMax)",
    to: "defaultLimits.connectionsMax",
  },
  /** No fault: `globalThis.inspectChat` gets the chat once it serves. */
  "a server that can be inspected": {
    file: "standalone/main.ts",
    from: "const site = await siteOf(chat, config);",
    to: "const site = await siteOf(chat, config); globalThis.inspectChat(chat);",
  },
} satisfies Plants;
