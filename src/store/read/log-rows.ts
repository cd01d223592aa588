import { newestInCommit } from "../../log/log-kinds.ts";
import { usersOfPair } from "../../log/users-of-pair.ts";
import type { Change, ChangeKind, Entry, Kind, LogEntry, Message, Setting } from "../../model.ts";
import { encodeConversation } from "../../protocol/conversation-id.ts";
import type { Row } from "../engine/engine.ts";
import { selectRevocations } from "../revocation-sql.ts";
import { flag, integer, text, textOrNull } from "../row.ts";
import * as groupSql from "../group/group-log-sql.ts";
import * as groupMarksSql from "../group/group-marks-sql.ts";
import { eventOf, membershipOf, mentionsOf, stateOf } from "../group/group-rows.ts";
import * as logSql from "./log-sql.ts";
import { selectOwnRelations, selectRelations } from "./people-sql.ts";

/** The parts of a commit that hold log entries. */
export type CommitRows = {
  /** The rows that a step of `writeSteps` returned. */
  readonly rowsOf: (step: string) => readonly Row[];
  /** The messages that are new, in the order of n. */
  readonly sent: readonly LogEntry<"message">[];
};

/** Two statements that answer the same rows: `selectNews` says which of them is faster. */
export type TwoWays = { readonly inRows: string; readonly inConversations: string };

/** How the store reads one kind of log entry. */
export type LogRows<
  K extends Kind,
  OfUser = K extends "message" | "receipt" ? TwoWays : K extends ChangeKind ? string : null,
> = {
  /** Reads entries of all users. ?1 after, ?2 limit, and ?3 bytes of text where it has text. */
  readonly ofAll: string;
  /**
   * Reads the entries for one user. ?1 tenant, ?2 user, ?3 after, ?4 limit; where there are two ways, also ?5 up to, and by conversations ?7 how many of them may have
   * something; ?6 bytes of text where it has text.
   */
  readonly ofUser: OfUser;
  readonly hasText: boolean;
  /** The entry in a row of any of these statements. */
  entry(row: Row): Entry<K>;
  /** The users who must get it; for a row of `ofAll` or of a commit. */
  users(row: Row): readonly string[];
  /** The group whose members must get it; undefined: it is for users alone. */
  group?(row: Row): string | undefined;
  /** The entries in a commit. */
  inCommit(commit: CommitRows): readonly LogEntry<K>[];
};

/** The message in a row of any statement that reads messages. */
export function messageOf(row: Row): Message {
  const to = textOrNull(row, "recipient");
  const event = to === null ? eventOf(row) : undefined;
  const mentions = to === null ? mentionsOf(row) : undefined;
  return {
    ...{
      n: integer(row, "n"),
      conversation: encodeConversation(integer(row, "conversation")),
      seq: integer(row, "seq"),
    },
    ...{ id: text(row, "id"), from: text(row, "sender") },
    ...(to !== null && { to }),
    ...{ text: text(row, "text"), time: integer(row, "time") },
    ...(mentions !== undefined && { mentions }),
    ...(event !== undefined && { event }),
  };
}

const logEntryOf =
  <K extends Kind>({ entry, users, group }: Pick<LogRows<K>, "entry" | "users" | "group">) =>
  (row: Row): LogEntry<K> => {
    const of = group?.(row);
    const change = entry(row);
    return { tenant: text(row, "tenant"), users: users(row), ...(of !== undefined && { group: of }), change };
  };

const conversationOf = (row: Row): string => encodeConversation(integer(row, "conversation"));

const message: LogRows<"message"> = {
  ofAll: logSql.selectMessages,
  ofUser: { inRows: logSql.selectMessagesInRows, inConversations: logSql.selectMessagesInConversations },
  hasText: true,
  entry: (row) => ({ kind: "message", ...messageOf(row) }),
  users: (row) => (row["recipient"] === null ? [] : usersOfPair(text(row, "sender"), text(row, "recipient"))),
  group: (row) => (row["recipient"] === null ? conversationOf(row) : undefined),
  inCommit: ({ sent }) => sent,
};

const receipt: LogRows<"receipt"> = {
  ofAll: logSql.selectReceipts,
  ofUser: { inRows: logSql.selectReceiptsInRows, inConversations: logSql.selectReceiptsInConversations },
  hasText: false,
  entry: (row) => ({
    kind: "receipt",
    n: integer(row, "n"),
    conversation: encodeConversation(integer(row, "conversation")),
    user: text(row, "user"),
    delivered: integer(row, "delivered"),
    read: integer(row, "read"),
  }),
  // The statement leaves the peer out where one of the two has blocked the other.
  users: (row) => (row["peer"] === null ? [text(row, "user")] : usersOfPair(text(row, "user"), text(row, "peer"))),
  inCommit: ({ rowsOf }) => [...rowsOf("revealed"), ...rowsOf("delivered"), ...rowsOf("read")].map(logEntryOf(receipt)),
};

/** In a small group for its members, its user among them. */
const groupReceipt: LogRows<"receipt", string> = {
  ...{ ofAll: groupMarksSql.selectGroupReceipts, ofUser: groupMarksSql.selectOwnGroupReceipts, hasText: false },
  entry: (row) => ({ ...receipt.entry(row), isOfGroup: true }),
  users: (row) => (flag(row, "is_shared") ? [] : [text(row, "user")]),
  group: (row) => (flag(row, "is_shared") ? conversationOf(row) : undefined),
  inCommit: ({ rowsOf }) => [...rowsOf("group delivered"), ...rowsOf("group read")].map(logEntryOf(groupReceipt)),
};

const relation: LogRows<"relation"> = {
  ofAll: selectRelations,
  ofUser: selectOwnRelations,
  hasText: false,
  entry: (row) => ({
    kind: "relation",
    n: integer(row, "n"),
    user: text(row, "other"),
    contact: flag(row, "contact"),
    blocked: flag(row, "blocked"),
  }),
  users: (row) => [text(row, "user")],
  inCommit: ({ rowsOf }) => rowsOf("relations").map(logEntryOf(relation)),
};

/** The mute in a row: `muted_until` is its end, -1: it has none, 0: it was ended, or never made. */
export function settingOf(row: Row): Setting {
  const [until, version] = [integer(row, "muted_until"), integer(row, "version")];
  return { muted: until !== 0, ...(until > 0 && { until }), version };
}

const setting: LogRows<"setting"> = {
  ofAll: logSql.selectSettings,
  ofUser: logSql.selectOwnSettings,
  hasText: false,
  entry: (row) => ({
    kind: "setting",
    n: integer(row, "n"),
    conversation: encodeConversation(integer(row, "conversation")),
    ...settingOf(row),
  }),
  users: (row) => [text(row, "user")],
  // Written by a transaction of its own (`createDeviceStore`).
  inCommit: () => [],
};

const group: LogRows<"group"> = {
  ofAll: groupSql.selectGroups,
  ofUser: groupSql.selectOwnGroups,
  hasText: false,
  entry: (row) => ({ kind: "group", n: integer(row, "n"), conversation: conversationOf(row), ...stateOf(row) }),
  users: () => [],
  group: conversationOf,
  // Written by a transaction of its own (`createGroupStore`).
  inCommit: () => [],
};

const membership: LogRows<"membership"> = {
  ofAll: groupSql.selectMemberships,
  ofUser: groupSql.selectOwnMemberships,
  hasText: false,
  entry: (row) => ({ kind: "membership", ...membershipOf(row) }),
  users: (row) => [text(row, "user")],
  inCommit: () => [],
};

const revocation: LogRows<"revocation"> = {
  ofAll: selectRevocations,
  ofUser: null,
  hasText: false,
  entry: (row) => ({
    kind: "revocation",
    n: integer(row, "n"),
    user: text(row, "user"),
    reason: text(row, "reason"),
    ...(row["device"] !== null && { device: text(row, "device") }),
  }),
  users: (row) => [text(row, "user")],
  // Written by a transaction of its own (`createRevocationStore`).
  inCommit: () => [],
};

const changeRows: { readonly [K in ChangeKind]: LogRows<K> } = {
  ...{ message, receipt, relation, setting, group, membership },
};
const logRows: { readonly [K in Kind]: LogRows<K> } = { ...changeRows, revocation };
const allRows = [...Object.values(logRows), groupReceipt];

export const revocationEntryOf = logEntryOf(revocation);
export const settingEntryOf = logEntryOf(setting);
export const groupEntryOf = logEntryOf(group);
export const membershipEntryOf = logEntryOf(membership);
export const messageEntryOf = logEntryOf(message);

/** A statement with the items of its rows. */
export type Select<Item> = { readonly sql: string; readonly hasText: boolean; readonly itemOf: (row: Row) => Item };

/** The statements that read the whole log. */
export const selectsOfAll: readonly Select<LogEntry>[] = allRows.map((rows) => ({
  sql: rows.ofAll,
  hasText: rows.hasText,
  itemOf: logEntryOf(rows),
}));

/** The statement that reads the messages of the whole log. */
export const selectMessagesOfAll: Select<Message & { readonly tenant: string }> = {
  ...{ sql: message.ofAll, hasText: message.hasText },
  itemOf: (row) => ({ tenant: text(row, "tenant"), ...messageOf(row) }),
};

const inOneWay = (kinds: readonly LogRows<ChangeKind, string>[]): readonly Select<Change>[] =>
  kinds.map(({ ofUser, hasText, entry }) => ({ sql: ofUser, hasText, itemOf: entry }));

/** The statements that read the log of one user in one way; those about groups, for users who are in groups. */
export const selectsOfUser = inOneWay([relation, setting]);
export const selectsOfMember = inOneWay([group, membership, groupReceipt]);

/** What is read of one user in one of two ways. */
export type ByWays = { readonly ways: TwoWays; readonly hasText: boolean; readonly itemOf: (row: Row) => Change };
export const messagesOfUser: ByWays = { ways: message.ofUser, hasText: message.hasText, itemOf: message.entry };
export const groupMessagesOfUser: ByWays = {
  ...messagesOfUser,
  ways: { inRows: logSql.selectGroupMessagesInRows, inConversations: logSql.selectGroupMessagesInGroups },
};
export const receiptsOfUser: ByWays = { ways: receipt.ofUser, hasText: receipt.hasText, itemOf: receipt.entry };

/** The entries that a commit announces, in the order of n. */
export const entriesOf = (commit: CommitRows): readonly LogEntry[] =>
  newestInCommit(allRows.flatMap<LogEntry>(({ inCommit }) => inCommit(commit)).sort((a, b) => a.change.n - b.change.n));
