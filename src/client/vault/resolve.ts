import type { OutboxChange, Write, Written } from "./contract.ts";
import { conversationOf, mergeConversation, type Ranks } from "./merge.ts";
import type { ConversationRow, MessageRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** What a write must read before it can be decided. */
export type Needs = {
  readonly conversations: readonly string[];
  readonly outbox: readonly string[];
  readonly wishes: readonly string[];
  /** Messages that may be older than the stored ones. */
  readonly messages: readonly (readonly [conversation: string, seq: number])[];
};

/** What it read. After a `reset` its conversations and messages do not count. */
export type Stored = {
  readonly meta: Meta;
  /** The greatest and the least rank ever given. */
  readonly ranks: RankEnds;
  readonly conversations: ReadonlyMap<string, ConversationRow>;
  readonly outbox: ReadonlyMap<string, OutboxRow>;
  readonly wishes: ReadonlyMap<string, Wish>;
  /** By {@link messageKey}. */
  readonly messages: ReadonlyMap<string, MessageRow>;
};

export type RankEnds = { readonly top: number; readonly bottom: number };

/** What is put and deleted, after the deletes of a `reset`. */
export type Resolved = {
  readonly reset: boolean;
  /** Null: unchanged. */
  readonly meta: Meta | null;
  readonly ranks: RankEnds | null;
  readonly messages: readonly MessageRow[];
  readonly conversations: readonly ConversationRow[];
  readonly relations: readonly RelationRow[];
  readonly outboxPut: readonly OutboxRow[];
  readonly outboxDelete: readonly string[];
  readonly drafts: readonly (readonly [key: string, text: string | null])[];
  readonly wishesPut: readonly Wish[];
  readonly wishesDelete: readonly string[];
  readonly written: Written;
};

export const messageKey = (conversation: string, seq: number): string => `${seq} ${conversation}`;

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** What `write` needs to read in its transaction, beside meta and ranks. */
export function needsOf(write: Write): Needs {
  return {
    conversations: unique((write.conversations ?? []).map(conversationOf)),
    outbox: unique((write.outbox ?? []).map((change) => (change.do === "add" ? change.row.id : change.id))),
    wishes: unique((write.granted ?? []).map((wish) => wish.key)),
    messages: (write.messages ?? [])
      .filter((message) => message.version !== undefined || write.reset === undefined)
      .map(({ conversation, seq }) => [conversation, seq] as const),
  };
}

/** Decides a write from what its transaction has read. Pure, so that every storage decides alike. */
export function resolveWrite(write: Write, stored: Stored): Resolved {
  const reset = write.reset === true;
  const meta = nextMeta(write, stored.meta);
  const { ranks, conversations } = mergeAll(write, stored, reset);
  const outbox = changeOutbox(write.outbox ?? [], stored.outbox);
  const granted = (write.granted ?? []).filter((wish) => isSameWish(stored.wishes.get(wish.key), wish));
  return {
    reset,
    meta: meta.changed,
    ranks,
    messages: (write.messages ?? []).filter(
      (message) => reset || isNewer(message, stored.messages.get(messageKey(message.conversation, message.seq))),
    ),
    conversations,
    relations: write.relations ?? [],
    outboxPut: [...outbox.values()].filter((row) => row !== null),
    outboxDelete: [...outbox].filter(([, row]) => row === null).map(([id]) => id),
    drafts: write.drafts ?? [],
    wishesPut: write.wishes ?? [],
    // A wish that is made again in the same write stays.
    wishesDelete: granted.map((wish) => wish.key).filter((key) => !write.wishes?.some((wish) => wish.key === key)),
    written: { cursorMoved: meta.cursorMoved, conversations, outbox },
  };
}

function nextMeta(write: Write, meta: Meta): { readonly changed: Meta | null; readonly cursorMoved: boolean } {
  const { cursor, identity } = write;
  const cursorMoved =
    cursor !== undefined && (write.reset === true || meta.cursor === cursor.from || meta.cursor === cursor.to);
  if (!cursorMoved && identity === undefined) return { changed: null, cursorMoved };
  const changed = {
    ...meta,
    ...(cursorMoved && { cursor: cursor.to, level: cursor.level }),
    ...(identity !== undefined && { identity }),
  };
  return { changed, cursorMoved };
}

function mergeAll(
  write: Write,
  stored: Stored,
  reset: boolean,
): { readonly ranks: RankEnds | null; readonly conversations: readonly ConversationRow[] } {
  let { top, bottom } = stored.ranks;
  const ranks: Ranks = { up: () => ++top, down: () => --bottom };
  const changed = new Map<string, ConversationRow>();
  for (const patch of write.conversations ?? []) {
    const id = conversationOf(patch);
    const before = changed.get(id) ?? (reset ? undefined : stored.conversations.get(id)) ?? null;
    const after = mergeConversation(before, patch, ranks);
    if (after !== null && after !== before) changed.set(id, after);
  }
  const isMoved = top !== stored.ranks.top || bottom !== stored.ranks.bottom;
  return { ranks: isMoved ? { top, bottom } : null, conversations: [...changed.values()] };
}

/** How each row is afterwards; null: it is not there. */
function changeOutbox(
  changes: readonly OutboxChange[],
  stored: ReadonlyMap<string, OutboxRow>,
): ReadonlyMap<string, OutboxRow | null> {
  const rows = new Map<string, OutboxRow | null>();
  for (const change of changes) {
    const id = change.do === "add" ? change.row.id : change.id;
    const before = rows.has(id) ? (rows.get(id) ?? null) : (stored.get(id) ?? null);
    rows.set(id, change.do === "add" ? change.row : before === null ? null : changedRow(before, change));
  }
  return rows;
}

function changedRow(row: OutboxRow, change: Exclude<OutboxChange, { do: "add" }>): OutboxRow | null {
  switch (change.do) {
    case "try":
      return row.failed === undefined ? { ...row, isTried: true } : row;
    case "fail":
      return { ...row, failed: change.failed };
    case "retry": {
      const { failed: _, ...rest } = row;
      return rest;
    }
    case "edit":
      return row.isTried ? row : { ...row, text: change.text };
    case "cancel":
      return row.isTried && row.failed === undefined ? row : null;
    case "settle":
      return null;
  }
}

const isNewer = (message: MessageRow, stored: MessageRow | undefined): boolean =>
  stored === undefined || (message.version ?? 0) > (stored.version ?? 0) || message.id !== stored.id;

function isSameWish(a: Wish | undefined, b: Wish): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
