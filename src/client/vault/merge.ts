import { addRange } from "./ranges.ts";
import type { ConversationRow, Marks, MessageRow, Setting } from "./rows.ts";

/** A conversation as `GET /conversations` has it. */
export type ListedConversation = {
  readonly id: string;
  readonly with?: string;
  readonly lastMessage: MessageRow;
  readonly unread: number;
  readonly delivered: number;
  readonly read: number;
  readonly peer?: Marks;
  readonly setting?: Setting;
};

/** News of a conversation. Each may come twice, and news of one moment may come after later news: merging is a join. */
export type ConversationPatch =
  /** A message that the log or an answer brought, with its place in what this device holds. */
  | { readonly kind: "message"; readonly message: MessageRow; readonly self: string }
  /** A row of the list, or of one conversation. */
  | { readonly kind: "listed"; readonly listed: ListedConversation }
  | ({ readonly kind: "receipt"; readonly conversation: string; readonly user: string; readonly self: string } & Marks)
  /** `isGranted`: the server has taken this device's wish, which it made at this version; its change comes with the next one. */
  | ({ readonly kind: "setting"; readonly conversation: string; readonly isGranted?: true } & Setting)
  /** A page of history: the messages of all seqs from `first` to `last` are in the same write. */
  | { readonly kind: "held"; readonly conversation: string; readonly first: number; readonly last: number }
  /** This device's user has read up to `seq`. */
  | { readonly kind: "read"; readonly conversation: string; readonly seq: number; readonly rest?: Rest };

/**
 * A count that the client made itself, because it holds all of the messages: the messages of others, not deleted, after the read mark and up to `to`, which is
 * `counted` of the row that it knew. It is left out if the row has gone on meanwhile: another tab may have been faster.
 */
export type Rest = { readonly unread: number; readonly to: number };

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

/** What is known before anything is: it has no place in the list, whose pages begin below this rank. */
const newRow = (id: string): ConversationRow => ({
  id,
  with: null,
  rank: Number.MAX_SAFE_INTEGER,
  isListed: false,
  last: null,
  own: noMarks,
  peer: noMarks,
  unread: 0,
  isExact: true,
  counted: 0,
  ranges: [],
  setting: { muted: false, version: 0 },
});

/**
 * The row after `patch`. Nothing goes back: marks, the last message, counts and ranges only grow, and come out alike in whatever order the news comes. News of a
 * conversation that this device does not know makes a row without a last message, which nobody shows: a page of the list that is older may be under way.
 */
export function mergeConversation(
  row: ConversationRow | null,
  { patch, ranks }: { readonly patch: ConversationPatch; readonly ranks: Ranks },
): ConversationRow {
  const known = row ?? newRow(conversationOf(patch));
  switch (patch.kind) {
    case "message":
      return withMessage(known, patch, ranks);
    case "listed":
      return withListed(known, patch.listed, ranks);
    case "receipt":
      return patch.user === patch.self
        ? withRead(withOwn(known, { delivered: patch.delivered, read: 0 }), patch.read)
        : { ...known, peer: maxMarks(known.peer, patch) };
    case "setting":
      return withSetting(known, patch, patch.isGranted);
    case "held":
      return { ...known, ranges: addRange(known.ranges, [patch.first, patch.last]) };
    case "read":
      return withRest(withRead(known, patch.seq), patch.seq, patch.rest);
  }
}

const withOwn = (row: ConversationRow, marks: Marks): ConversationRow => ({ ...row, own: maxMarks(row.own, marks) });

function withSetting(row: ConversationRow, { muted, until, version }: Setting, isGranted?: true): ConversationRow {
  const known = row.setting.version;
  if (version < known || (version === known && isGranted === undefined)) return row;
  return { ...row, setting: { muted, ...(until !== undefined && { until }), version } };
}

/** The later message of a conversation, or the later state of one message. */
function laterOf(known: MessageRow | null, message: MessageRow): MessageRow {
  if (known === null || message.seq > known.seq) return message;
  return message.seq === known.seq && (message.version ?? 0) > (known.version ?? 0) ? message : known;
}

function withMessage(
  known: ConversationRow,
  { message, self }: { readonly message: MessageRow; readonly self: string },
  ranks: Ranks,
): ConversationRow {
  const { seq, from, to, version } = message;
  const other = to === undefined ? null : from === self ? to : from;
  const next: ConversationRow = {
    ...known,
    with: known.with ?? other,
    // Of a new conversation there is nothing else to know. The first message of an older one comes again when it was changed.
    ...(known.last === null && { isListed: seq === 1 && version === undefined }),
    ranges: addRange(known.ranges, [seq, seq]),
    last: laterOf(known.last, message),
    // It moves to the top as it comes; an older one moves nothing.
    ...(seq > (known.last?.seq ?? 0) && { rank: ranks.up() }),
  };
  const isOfOther = from !== self && seq > known.own.read;
  if (seq <= known.counted) {
    // It may have been counted before it was deleted.
    return isOfOther && message.deleted !== undefined && known.unread > 0 ? { ...next, isExact: false } : next;
  }
  const unread = known.unread + (isOfOther && message.deleted === undefined ? 1 : 0);
  // Messages in between that this device never got may be unread too, unless they are below the read mark.
  const isExact = known.isExact && seq <= Math.max(known.counted, known.own.read) + 1;
  return { ...next, counted: seq, unread, isExact };
}

function withListed(known: ConversationRow, listed: ListedConversation, ranks: Ranks): ConversationRow {
  const { seq } = listed.lastMessage;
  const next: ConversationRow = {
    ...(listed.setting === undefined ? known : withSetting(known, listed.setting)),
    ...(known.last === null && { rank: ranks.down() }),
    with: known.with ?? listed.with ?? null,
    isListed: true,
    last: laterOf(known.last, listed.lastMessage),
    peer: listed.peer === undefined ? known.peer : maxMarks(known.peer, listed.peer),
  };
  const own = { delivered: listed.delivered, read: 0 };
  // The list may be older than what this device has counted: then its number says nothing about now. Nor does it where the device has read further and
  // has counted exactly.
  const isKnown = seq < known.counted || (seq === known.counted && known.isExact && listed.read < known.own.read);
  if (isKnown) return withRead(withOwn(next, own), listed.read);
  const atOnce: ConversationRow = {
    ...next,
    own: { ...next.own, read: listed.read },
    counted: seq,
    unread: listed.unread,
    isExact: true,
  };
  return withOwn(withRead(atOnce, known.own.read), own);
}

/** The row with its user's own mark at `seq` or beyond. */
function withRead(row: ConversationRow, seq: number): ConversationRow {
  const { counted, isExact, own, unread } = row;
  const read = Math.max(own.read, seq);
  const next = withOwn(row, { delivered: read, read });
  if (read >= counted) return { ...next, unread: 0, isExact: true };
  if (read === own.read) return next;
  // Where none, or each, of the messages above the old mark was unread, the same is true above the new one.
  const above = counted - read;
  const isEach = unread === counted - own.read;
  return { ...next, unread: isEach ? above : Math.min(unread, above), isExact: isExact && (isEach || unread === 0) };
}

/** The row with the client's own count, if both count from the same mark to the same seq. */
function withRest(row: ConversationRow, seq: number, rest: Rest | undefined): ConversationRow {
  return rest !== undefined && rest.to === row.counted && seq === row.own.read
    ? { ...row, unread: rest.unread, isExact: true }
    : row;
}
