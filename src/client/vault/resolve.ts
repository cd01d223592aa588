import type { OutboxChange, Write, Written } from "./contract.ts";
import { isSameRow } from "../same.ts";
import { conversationOf, mergeConversation, type Ranks } from "./merge.ts";
import type { ConversationRow, MessageRow, Meta, OutboxRow, RelationRow, Wish } from "./rows.ts";

/** The rows of each store. */
export type Rows = {
  readonly message: MessageRow;
  readonly conversation: ConversationRow;
  readonly relation: RelationRow;
  readonly outbox: OutboxRow;
  readonly draft: string;
  readonly wish: Wish;
};

/** The keys of the rows that a write must read before it can be decided. Of messages: those that may be older than the stored ones. */
export type Needs = { readonly [Store in Exclude<keyof Rows, "message">]: readonly string[] } & {
  readonly message: readonly MessageKey[];
};
export type MessageKey = readonly [conversation: string, seq: number];

/** The rows that it read, messages by {@link messageKey}. After a `reset` its conversations and messages do not count. */
export type Stored = { readonly [Store in keyof Needs]: ReadonlyMap<string, Rows[Store]> } & {
  readonly meta: Meta;
  /** The greatest and the least rank ever given. */
  readonly ranks: RankEnds;
};

export type RankEnds = { readonly top: number; readonly bottom: number };

/** A row to put, or to delete where it is null. */
export type RowChange = {
  readonly [Store in keyof Rows]: readonly [store: Store, key: string, row: Rows[Store] | null];
}[keyof Rows];

/** What is to be written, after the deletes of a `reset`. */
export type Resolved = {
  readonly reset: boolean;
  /** Null: unchanged. */
  readonly meta: Meta | null;
  readonly ranks: RankEnds | null;
  /** In order: of two changes of one row the last one counts. */
  readonly rows: readonly RowChange[];
  readonly written: Written;
};

export const messageKey = (...key: MessageKey): string => String(key);

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

const idsOf = (change: OutboxChange): readonly string[] => [
  ...("id" in change ? [change.id] : []),
  ...("row" in change ? [change.row.id] : []),
];

/** What `write` needs to read in its transaction, beside meta and ranks. */
export function needsOf(write: Write): Needs {
  const reads = (write.wishes ?? []).filter((wish) => wish.kind === "read").map((wish) => wish.conversation);
  return {
    conversation: unique([...(write.conversations ?? []).map(conversationOf), ...reads]),
    relation: unique([...(write.listed ?? []), ...(write.relations ?? [])].map(({ user }) => user)),
    outbox: unique((write.outbox ?? []).flatMap(idsOf)),
    wish: unique((write.granted ?? []).map((wish) => wish.key)),
    draft: unique((write.drafts ?? []).flatMap(([key, , only]) => (only === undefined ? [] : [key]))),
    message: (write.messages ?? []).map(({ conversation, seq }) => [conversation, seq]),
  };
}

/** Decides a write from what its transaction has read. Pure, so that every storage decides alike. */
export function resolveWrite(asked: Write, stored: Stored): Resolved {
  const isOutdated =
    (asked.resets !== undefined && asked.resets !== (stored.meta.resets ?? 0)) || isOfAnother(asked, stored.meta);
  const write = isOutdated ? withoutHistory(asked) : withDueReset(asked, stored.meta);
  const reset = write.reset === true;
  const meta = nextMeta(write, stored.meta);
  const { ranks, conversations, named, rowOf } = mergeAll(write, stored);
  const outbox = changeOutbox(write, stored.outbox);
  const rows: RowChange[] = [];
  for (const row of newerMessages(write.messages ?? [], reset ? new Map() : stored.message))
    rows.push(["message", messageKey(row.conversation, row.seq), row]);
  for (const row of conversations) rows.push(["conversation", row.id, row]);
  const held = (user: string): RelationRow | undefined => (reset ? undefined : stored.relation.get(user));
  const listed = (write.listed ?? []).map((row) => held(row.user) ?? row);
  const relations = [...listed, ...(write.relations ?? [])];
  // Those that are held are of the stored cursor: what another one brings may be older.
  const isBeside = write.cursor !== undefined && !meta.cursorMoved;
  for (const row of isBeside ? relations.filter(({ user }) => !held(user)) : relations)
    if (row !== held(row.user)) rows.push(["relation", row.user, row]);
  for (const [id, row] of outbox) if (row !== stored.outbox.get(id)) rows.push(["outbox", id, row]);
  for (const [key, text, only] of write.drafts ?? [])
    if (only?.includes(stored.draft.get(key) ?? "") ?? true) rows.push(["draft", key, text]);
  for (const wish of write.granted ?? [])
    if (isSameRow(wish, stored.wish.get(wish.key))) rows.push(["wish", wish.key, null]);
  // A wish that is made again in the same write stays.
  for (const wish of write.wishes ?? [])
    if (!isBehind(wish, (id) => rowOf(id)?.own.read ?? 0)) rows.push(["wish", wish.key, wish]);
  return {
    ...{ reset, meta: meta.changed, ranks, rows },
    written: {
      ...{ cursorMoved: meta.cursorMoved, conversations: named, relations, outbox, isReset: reset, isOutdated },
      cursor: (meta.changed ?? stored.meta).cursor,
      resets: (meta.changed ?? stored.meta).resets ?? 0,
    },
  };
}

/**
 * Whether its rows are of another history than those that are here: of one that has ended before the first cursor, or, later, before the last reset. What comes
 * with a cursor is of the cursor's history.
 */
const isOfAnother = ({ history, cursor }: Write, meta: Meta): boolean =>
  history !== undefined && (meta.cursor === null || cursor === undefined) && history !== (meta.history ?? history);

/** The rest of a write whose rows are of a history that has ended. */
function withoutHistory({ outbox, drafts, wishes, identity }: Write): Write {
  return {
    ...(outbox !== undefined && { outbox }),
    ...(drafts !== undefined && { drafts }),
    ...(wishes !== undefined && { wishes }),
    ...(identity !== undefined && { identity }),
  };
}

function withDueReset({ reset, ...write }: Write, meta: Meta): Write {
  return reset === true && (write.cursor !== undefined || meta.cursor === null) ? { ...write, reset } : write;
}

function nextMeta(write: Write, meta: Meta): { readonly changed: Meta | null; readonly cursorMoved: boolean } {
  const { cursor, identity } = write;
  const cursorMoved =
    cursor !== undefined && (write.reset === true || meta.cursor === cursor.from || meta.cursor === cursor.to);
  const { history: known, isListed, ...rest } = meta;
  const isListedNow = write.listed === undefined ? isListed && !write.reset : true;
  const isNamed = cursorMoved || write.reset === true || meta.cursor === null;
  const named = (isNamed ? write.history : undefined) ?? (write.reset === true ? undefined : known);
  if (!cursorMoved && identity === undefined && write.reset !== true && named === known && isListedNow === isListed)
    return { changed: null, cursorMoved };
  // The stored cursor of another tab covers the rows of both tabs.
  const nextLevel = Math.max(cursor?.level ?? 0, write.reset !== true && meta.cursor === cursor?.to ? meta.level : 0);
  const changed = {
    ...rest,
    ...(named !== undefined && { history: named }),
    ...(isListedNow && { isListed: isListedNow }),
    ...(write.reset === true && { resets: (meta.resets ?? 0) + 1 }),
    ...(cursorMoved && { cursor: cursor.to, level: nextLevel }),
    ...(identity !== undefined && { identity }),
  };
  return { changed, cursorMoved };
}

type Merged = {
  readonly ranks: RankEnds | null;
  /** Those that differ from the stored ones. */
  readonly conversations: readonly ConversationRow[];
  /** All that the write named and that have a last message, as they are now. */
  readonly named: readonly ConversationRow[];
  /** A conversation after the write. */
  readonly rowOf: (id: string) => ConversationRow | null;
};

function mergeAll(write: Write, stored: Stored): Merged {
  let { top, bottom } = stored.ranks;
  const ranks: Ranks = { up: () => ++top, down: () => --bottom };
  const storedOf = (id: string): ConversationRow | null =>
    write.reset === true ? null : (stored.conversation.get(id) ?? null);
  const merged = new Map<string, ConversationRow>();
  const rowOf = (id: string): ConversationRow | null => merged.get(id) ?? storedOf(id);
  for (const patch of write.conversations ?? []) {
    const id = conversationOf(patch);
    merged.set(id, mergeConversation(rowOf(id), { patch, ranks }));
  }
  const isMoved = top !== stored.ranks.top || bottom !== stored.ranks.bottom;
  // News that was known already changes nothing, so that nothing is written. But another tab may have stored it, and this one not know it.
  const all = [...merged.values()];
  const conversations = all.filter((row) => !isSameRow(row, storedOf(row.id)));
  const named = all.filter(({ last }) => last);
  return { ranks: isMoved ? { top, bottom } : null, conversations, named, rowOf };
}

/** The messages of a write that are to be stored, each once, in its newest version. */
function newerMessages(
  messages: readonly MessageRow[],
  stored: ReadonlyMap<string, MessageRow>,
): readonly MessageRow[] {
  const newer = new Map<string, MessageRow>();
  for (const message of messages) {
    const key = messageKey(message.conversation, message.seq);
    if (isNewer(message, newer.get(key) ?? stored.get(key))) newer.set(key, message);
  }
  return [...newer.values()];
}

/** How each row is afterwards; null: it is not there. */
function changeOutbox(
  { messages = [], outbox = [] }: Write,
  stored: ReadonlyMap<string, OutboxRow>,
): ReadonlyMap<string, OutboxRow | null> {
  const rows = new Map<string, OutboxRow | null>();
  const rowOf = (id: string): OutboxRow | null => (rows.has(id) ? rows.get(id) : stored.get(id)) ?? null;
  for (const change of outbox) {
    const id = change.do === "add" ? change.row.id : change.id;
    const before = rowOf(id);
    if (change.do === "replace") {
      const isFailed = before?.failed !== undefined;
      rows.set(id, isFailed ? null : before);
      rows.set(change.row.id, isFailed ? change.row : rowOf(change.row.id));
      continue;
    }
    // A write that is repeated because its outcome was unknown must not make a tried row untried.
    if (change.do === "add") rows.set(id, before ?? change.row);
    // Without its message in this write it would be nowhere.
    else if (change.do === "settle" && !messages.some((message) => message.id === id)) rows.set(id, before);
    else rows.set(id, before === null ? null : changedRow(before, change));
  }
  return rows;
}

function changedRow(row: OutboxRow, change: Exclude<OutboxChange, { do: "add" | "replace" }>): OutboxRow | null {
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

/** Whether a wish marks less as read than this device has marked already, perhaps in another tab: it must not replace that tab's wish. */
const isBehind = (wish: Wish, readOf: (conversation: string) => number): boolean =>
  wish.kind === "read" && wish.seq < readOf(wish.conversation);
