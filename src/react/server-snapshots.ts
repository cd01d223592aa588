import type { ConversationList, Presence, Status, StorageState, ThreadState } from "../client/api.ts";
import type { RelationRow } from "../client/vault/rows.ts";

/** What a server renders: nobody's data. The browser begins with the same, whatever its client holds by then, so that both make one page. */
export const onServer = {
  status: { state: "idle" } satisfies Status as Status,
  storage: { kind: "opening" } satisfies StorageState as StorageState,
  unread: { messages: 0, conversations: 0, isExact: false },
  outbox: { queued: 0, failed: 0 },
  conversations: { conversations: [], more: "loading" } satisfies ConversationList as ConversationList,
  relations: [] as readonly RelationRow[],
  presence: { state: "unknown" } satisfies Presence as Presence,
  typists: [] as readonly string[],
  thread: {
    conversation: null,
    with: null,
    rows: [],
    before: "loading",
    after: "loading",
    unread: 0,
    divider: null,
    peer: { delivered: 0, read: 0 },
    own: { delivered: 0, read: 0 },
    isMuted: false,
  } satisfies ThreadState as ThreadState,
};
