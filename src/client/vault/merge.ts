import { addRange } from "./ranges.ts";
import type { ConversationRow, Marks, MessageRow } from "./rows.ts";

/** A conversation as `GET /conversations` has it. */
export type ListedConversation = {
  readonly id: string;
  readonly with?: string;
  readonly lastMessage: MessageRow;
  readonly unread: number;
  readonly delivered: number;
  readonly read: number;
  readonly peer?: Marks;
  readonly muted?: boolean;
  readonly mutedUntil?: number;
};

/** News of a conversation. Each may come twice, and news of one moment may come after later news: merging is a join. */
export type ConversationPatch =
  /** A message that the log or an answer brought, with its place in what this device holds. */
  | { readonly kind: "message"; readonly message: MessageRow; readonly self: string }
  /** A row of the list, or of one conversation. */
  | { readonly kind: "listed"; readonly listed: ListedConversation }
  | { readonly kind: "receipt"; readonly conversation: string; readonly user: string; readonly self: string } & Marks
  | { readonly kind: "setting"; readonly conversation: string; readonly muted: boolean; readonly until?: number }
  /** A page of history: the messages of all seqs from `first` to `last` are in the same write. */
  | { readonly kind: "held"; readonly conversation: string; readonly first: number; readonly last: number }
  /** This device's user has read up to `seq`. `unread`: how many of the others' messages come after it, where the client could count them. */
  | { readonly kind: "read"; readonly conversation: string; readonly seq: number; readonly unread?: number };

/** Makes the places of the list: `up` above all others, `down` below all. */
export type Ranks = { up(): number; down(): number };

export const conversationOf = (patch: ConversationPatch): string =>
  patch.kind === "message"
    ? patch.message.conversation
    : patch.kind === "listed"
      ? patch.listed.id
      : patch.conversation;

const maxMarks = (a: Marks, b: Marks): Marks =>
  b.delivered <= a.delivered && b.read <= a.read
    ? a
    : { delivered: Math.max(a.delivered, b.delivered), read: Math.max(a.read, b.read) };

const noMarks: Marks = { delivered: 0, read: 0 };

const newRow = (id: string, withUser: string | null, rank: number): ConversationRow => ({
  id,
  with: withUser,
  rank,
  last: null,
  own: noMarks,
  peer: noMarks,
  unread: 0,
  isExact: true,
  counted: 0,
  ranges: [],
  muted: false,
});

/**
 * The row after `patch`. Null: news of a conversation that this device does not know, and which makes no entry. Nothing goes back: marks, the last
 * message and what was counted only grow, whatever the order in which news comes.
 */
export function mergeConversation(
  row: ConversationRow | null,
  patch: ConversationPatch,
  ranks: Ranks,
): ConversationRow | null {
  switch (patch.kind) {
    case "message":
      return withMessage(row, patch.message, patch.self, ranks);
    case "listed":
      return withListed(row, patch.listed, ranks);
    case "receipt":
      if (row === null) return null;
      return patch.user === patch.self
        ? withRead({ ...row, own: maxMarks(row.own, { delivered: patch.delivered, read: 0 }) }, patch.read)
        : { ...row, peer: maxMarks(row.peer, patch) };
    case "setting": {
      if (row === null) return null;
      const { mutedUntil: _, ...rest } = row;
      return { ...rest, muted: patch.muted, ...(patch.until !== undefined && { mutedUntil: patch.until }) };
    }
    case "held":
      return row === null ? null : { ...row, ranges: addRange(row.ranges, [patch.first, patch.last]) };
    case "read":
      return row === null ? null : withRead(row, patch.seq, patch.unread);
  }
}

function withMessage(row: ConversationRow | null, message: MessageRow, self: string, ranks: Ranks): ConversationRow {
  const { conversation, seq, from, to } = message;
  const other = to === undefined ? null : from === self ? to : from;
  const known = row ?? newRow(conversation, other, ranks.up());
  const ranges = addRange(known.ranges, [seq, seq]);
  const isNewest = seq > (known.last?.seq ?? 0);
  const next: ConversationRow = {
    ...known,
    ranges,
    ...(isNewest && { last: message }),
    // It moves to the top as it comes; an older one moves nothing.
    ...(isNewest && row !== null && { rank: ranks.up() }),
  };
  if (seq <= known.counted) return next;
  const isUnread = from !== self && seq > known.own.read && message.deleted === undefined;
  // Messages in between that this device never got may be unread too.
  const isExact = known.isExact && seq === known.counted + 1;
  return { ...next, counted: seq, unread: known.unread + (isUnread ? 1 : 0), isExact };
}

function withListed(row: ConversationRow | null, listed: ListedConversation, ranks: Ranks): ConversationRow {
  const known = row ?? newRow(listed.id, listed.with ?? null, ranks.down());
  const seq = listed.lastMessage.seq;
  const isNewer = seq >= (known.last?.seq ?? 0);
  const { mutedUntil: _, ...rest } = known;
  const next: ConversationRow = {
    ...rest,
    ...(isNewer && { last: listed.lastMessage }),
    own: maxMarks(known.own, listed),
    peer: listed.peer === undefined ? known.peer : maxMarks(known.peer, listed.peer),
    muted: listed.muted ?? known.muted,
    ...(listed.muted === undefined
      ? known.mutedUntil !== undefined && { mutedUntil: known.mutedUntil }
      : listed.mutedUntil !== undefined && { mutedUntil: listed.mutedUntil }),
  };
  // The list may be older than what this device has counted or read: then its number says nothing about now.
  if (seq < known.counted) return next;
  if (listed.read >= known.own.read) return { ...next, counted: seq, unread: listed.unread, isExact: true };
  return withRead({ ...next, counted: seq, unread: listed.unread, isExact: false }, known.own.read);
}

/** The row with its user's own mark at `seq` or beyond. */
function withRead(row: ConversationRow, seq: number, unread?: number): ConversationRow {
  const read = Math.max(row.own.read, seq);
  const moved = read > row.own.read;
  const own = moved ? { delivered: Math.max(row.own.delivered, read), read } : row.own;
  if (read >= row.counted) return { ...row, own, unread: 0, isExact: true };
  if (!moved) return { ...row, own };
  if (unread !== undefined) return { ...row, own, unread, isExact: true };
  return { ...row, own, unread: Math.min(row.unread, row.counted - read), isExact: false };
}
