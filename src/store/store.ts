import type { Change, Cursor, Identity, LogEntry, Mentions, Message, Relationship, Session } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import type { DeviceStore } from "./push/device-store.ts";
import type { GroupStore, InviteStore } from "./group/group-store.ts";
import type { LogPlaces } from "./log-place.ts";
import type { PushStore } from "./push/push-store.ts";
import type { ConversationPage, HistoryPage, HistoryQuery, ListOptions, OneConversation } from "./read/history.ts";

/** A message to be added to the log. Exactly one of `to` and `conversation` is set. */
export type Send = {
  readonly tenant: string;
  readonly from: string;
  readonly id: string;
  readonly to?: string;
  readonly conversation?: string;
  readonly text: string;
  /** The mentioned members of the group, each once, or all of them. Between two people there are no mentions. */
  readonly mentions?: Mentions | undefined;
  /** Why this must not be accepted, unless its id was accepted before: a retry always gets the first answer. */
  readonly refusal?: "forbidden" | "rate_limited" | "unavailable" | undefined;
  /** Comes back with the log entry, so that the sender's connection can be recognised. Never stored. */
  readonly origin?: object | undefined;
};

export type Accepted = {
  readonly type: "accepted";
  readonly n: number;
  readonly conversation: string;
  readonly seq: number;
  /** Milliseconds since the Unix epoch, the server's clock. */
  readonly time: number;
  readonly duplicate: boolean;
};

/** `unavailable` says that the outcome is unknown: a retry of the same id settles it. */
export type Refused = {
  readonly type: "refused";
  readonly code: "conflict" | "not_found" | "blocked" | "forbidden" | "rate_limited" | "unavailable";
};

export type Outcome = Accepted | Refused;

/** One commit: it moved the database from change number `from` to `to`. */
export type Commit = { readonly from: number; readonly to: number; readonly entries: readonly LogEntry[] };

/** The changes for one user after a position, complete up to `upTo`, in the order of n. */
export type Page = {
  readonly changes: readonly Change[];
  /** The head if nothing was cut off, else the last n up to which the page is complete. */
  readonly upTo: number;
  readonly more: boolean;
};

/** The limits of a page: rows of each kind, and bytes of text, each of received and of sent messages; one message always fits. */
export type PageBound = { readonly rows: number; readonly bytes: number };

/** A stretch of the whole log, in the order of n. */
export type Stretch = { readonly entries: readonly LogEntry[]; readonly upTo: number; readonly more: boolean };

/** The messages of a stretch of the log, complete up to `upTo`, in the order of n. */
export type MessageStretch = {
  readonly messages: readonly (Message & { readonly tenant: string })[];
  readonly upTo: number;
};

/** How far a device has stored the log, and at which level; default: the lowest. */
export type AckedTo = {
  readonly n: number;
  readonly level?: number;
  /** It covers no message that was not acked before: it may wait longer. */
  readonly isQuiet?: boolean;
};

/** The position of a device. */
export type DeviceStart = {
  /** Everything up to here was acked, and its sync goes on from here. It may have acked later messages of others. */
  readonly synced: number;
  /** The newest ack of all devices of its user: where a new device would start. */
  readonly newest: number;
  readonly head: Cursor;
  /** The level at which it has stored the log up to `synced`. */
  readonly level: number;
  /** When it was last seen, in milliseconds since the Unix epoch; not written each time. */
  readonly seen: number;
};

/** A change of a user's relation to another user; an absent field stays unchanged. */
export type RelationChange = { readonly other: string; readonly contact?: boolean; readonly blocked?: boolean };

/** Names in their order. */
export type PeoplePage = {
  readonly users: readonly string[];
  /** The name after which to go on; absent: there is nothing more. */
  readonly next?: string;
};

/** `device`: the sessions on this device only; `time`: now, in milliseconds since the Unix epoch. */
export type RevokeOptions = {
  readonly device?: string | undefined;
  readonly reason: string;
  readonly time: number;
  /** Tickets that were bought before stay valid. */
  readonly keepsTickets?: boolean | undefined;
};

/** A ticket that is to be kept, as its hash. Times are milliseconds since the Unix epoch. */
export type NewTicket = {
  readonly hash: string;
  readonly expires: number;
  readonly now: number;
  /** Sessions that were ended after this change number buy none. */
  readonly provedAfter: number;
};

/** Called with whether a mark is on disk. */
export type Settle = (isStored: boolean) => void;

/**
 * Why a store is not available.
 *
 * - `damaged`: permanent. Reads go on as far as they work, and nothing is accepted until the process is started again on an intact database.
 * - `level`: the log holds an entry that this release cannot read; nothing is served until a newer release is started.
 * - `file`: other processes have, or may have, access to the file.
 * - `commits`, `reads`: they fail; ends by itself.
 * - `history`: the database has another history, which is being opened; ends by itself.
 */
export type Trouble = "commits" | "reads" | "history" | "file" | "level" | "damaged";

/** The durable data of a chat. Every method that takes an identity sees only rows of that tenant and user. */
export interface Store {
  /** The push addresses of devices, mutes and quiet hours. Rejects with `unavailable`. */
  readonly devices: DeviceStore;

  /** Groups, their members, and invitations into them. */
  readonly groups: GroupStore & InviteStore;

  /** The durable state of notifications, for the push worker only. Rejects with `unavailable`. */
  readonly push: PushStore;

  /**
   * Takes a send into the next commit and calls `settle` once its outcome is known, always before the commit's entries are announced. The sends
   * of one sender are stored and settled in the order of the calls, except retries of an id that is in the same commit.
   */
  append(send: Send, settle: (outcome: Outcome) => void): void;

  /**
   * Notes that a device has stored everything up to a change number, and at which level where that is known; committed a little later together
   * with other acks. `settle` gets whether all of it is on disk; false: the outcome is unknown until the device acks again.
   */
  ack(identity: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void;

  /**
   * The same for the undelivered list, which holds only messages of others: it lacks what the user did on other devices, so the device's sync
   * goes on from where it was.
   */
  ackList(identity: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void;

  /** Notes that a user has seen a conversation up to `seq`; as for `ack`. */
  read(identity: Identity, conversation: string, seq: number, settle?: Settle): void;

  /**
   * The position of a device. An unknown device is created first: it starts after the newest ack of its user's devices, or at its own change
   * number `after` where that is lower, at its `level` (default: the lowest). Where the user then has too many devices, the one that was not seen
   * for longest is forgotten, with its addresses. Rejects with `unavailable`.
   */
  openDevice(
    identity: Identity,
    device: string,
    options?: { readonly after?: number | undefined; readonly level?: number | undefined },
  ): Promise<DeviceStart>;

  /** The changes for a user after change number `after`, as many as the bound and the limits allow. Rejects with `unavailable`. */
  changes(identity: Identity, after: number, bound: PageBound): Promise<Page>;

  /**
   * The messages that a query selects, as of one position of the log; null where its conversation is not the user's. An unknown device, if
   * the query asks for its undelivered messages, is created first. Rejects with `unavailable`.
   */
  history(identity: Identity, query: HistoryQuery): Promise<HistoryPage | null>;

  /** A user's conversations below a change number, newest activity first, without groups (`groups.list` has them). Rejects with `unavailable`. */
  conversations(identity: Identity, options: ListOptions): Promise<ConversationPage>;

  /** One of a user's conversations as the list has it, by its id or the other user; an empty page where there is none. Rejects with `unavailable`. */
  conversation(identity: Identity, which: OneConversation): Promise<ConversationPage>;

  /**
   * Changes a user's relations to others, all of them or none; resolves once they are on disk. Concurrent calls are in no order. Rejects with
   * `unavailable`, or with `too_large` where the user would have more relations than `relationsMax`.
   */
  relate(identity: Identity, changes: readonly RelationChange[]): Promise<void>;

  /** The relationship of a user with each of the others, in their order. Rejects with `unavailable`. */
  relationships(identity: Identity, others: readonly string[]): Promise<readonly Relationship[]>;

  /** A user's contacts, or the users that they have blocked, after a name. Rejects with `unavailable`. */
  people(
    identity: Identity,
    options: { which: "contact" | "blocked"; after: string; limit: number },
  ): Promise<PeoplePage>;

  /** Whether a user has the other one as a contact. Rejects with `unavailable`. */
  isContact(identity: Identity, other: string): Promise<boolean>;

  /** Notes when a user was connected, in milliseconds since the Unix epoch; committed a little later, never back. */
  seen(identity: Identity, time: number): void;

  /** When users were last connected, where that is known. Rejects with `unavailable`. */
  lastSeen(tenant: string, users: readonly string[]): Promise<ReadonlyMap<string, number>>;

  /**
   * Keeps a ticket of a session, as its hash, until it expires; but not where its user has `ticketsPerUserMax` tickets, nor where the user's
   * sessions were ended after change number `provedAfter`. Rejects with `unavailable`.
   */
  addTicket(session: Session, ticket: NewTicket): Promise<"added" | "too many" | "revoked">;

  /** The session of a ticket, which is used up by that; null: the ticket is not valid. Rejects with `unavailable`. */
  useTicket(hash: string, now: number): Promise<Session | null>;

  /** The newest revocations since a time, in milliseconds since the Unix epoch. Rejects with `unavailable`. */
  revocations(since: number): Promise<readonly LogEntry[]>;

  /** Ends the sessions and the tickets of a user, on one device or on all: every node learns of it by the log. Rejects with `unavailable`. */
  revoke(identity: Identity, options: RevokeOptions): Promise<void>;

  /**
   * Forgets a device: closes its sockets on all nodes, then deletes its addresses and its position. Its acks that wait here are stored first; one that
   * comes to another node meanwhile makes it again. Rejects with `unavailable`.
   */
  forgetDevice(identity: Identity, device: string, time: number): Promise<void>;

  /** The entries of all tenants after change number `after`: at most `limit` rows of each kind, within the limits on bytes of text. Rejects with `unavailable`. */
  log(after: number, limit: number): Promise<Stretch>;

  /** The messages of all tenants after change number `after`: at most `limit`, within the limits on bytes of text. Rejects with `unavailable`. */
  messages(after: number, limit: number): Promise<MessageStretch>;

  /** Durable positions in the log, for the host's hooks. */
  readonly places: LogPlaces;

  /** Encodes and decodes the cursors of this history, once `head()` has answered. */
  readonly cursors: Cursors;

  /** The newest position. Rejects with `unavailable`. */
  head(): Promise<Cursor>;

  /** The members of a conversation; null where the tenant has no such conversation. */
  members(tenant: string, conversation: string): Promise<readonly string[] | null>;

  /** The id of the message with a seq in a conversation, of which the caller is a member; null: there is none. */
  messageAt(conversation: string, seq: number): Promise<string | null>;

  /** The direct conversation of two users; null while they have none. */
  direct(tenant: string, one: string, other: string): Promise<string | null>;

  /** Calls `listener` after each commit, in commit order. */
  onCommit(listener: (commit: Commit) => void): void;

  /** Resolves once no commit is under way: everything that a read then shows has been answered. */
  settled(): Promise<void>;

  /** Resolves once no send waits for its answer. */
  drained(): Promise<void>;

  /** Whether it takes commits, and can be read. After a failed commit sends are refused until one succeeds. */
  isAvailable(): boolean;

  /** Whether the database may still have the history that this store serves. */
  isCurrent(): boolean;

  /** Another node has announced an entry that this release cannot read, which `found` describes: nothing is served any more. */
  cannotRead(found: string): void;

  /**
   * For a store with an ended history: answers waiting sends with `unavailable`, drops marks, and takes nothing more; the database stays
   * open. Resolves once no commit is under way.
   */
  abandon(): Promise<void>;

  /** Why it is not available; null: it is. */
  trouble(): Trouble | null;

  /** Commits everything that waits, then releases the database. */
  close(): Promise<void>;
}
