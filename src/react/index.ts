/** The hooks of Tidings for React 18 and later, and for Preact through `preact/compat`. */
export type { TidingsChatProps } from "./element.ts";
export { Tidings, useClient } from "./provider.ts";
export { useReadable } from "./use-readable.ts";
export {
  useBlocks,
  useContacts,
  useConversation,
  useConversations,
  useOutbox,
  usePresence,
  useRelations,
  useStatus,
  useStorage,
  useThread,
  useThreadState,
  useTyping,
  useUnread,
} from "./hooks.ts";
export { useReadMark } from "./use-read-mark.ts";
