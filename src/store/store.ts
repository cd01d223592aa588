import type { Change, Cursor, Identity, LogEntry, Message, Relationship, Session } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import type { DeviceStore } from "./push/device-store.ts";
import type { LogPlaces } from "./log-place.ts";
import type { PushStore } from "./push/push-store.ts";
import type { ConversationPage, HistoryPage, HistoryQuery } from "./read/history.ts";

/** A message that somebody wants in the log. Exactly one of `to` and `conversation` is set. */
export type Send = {
  readonly tenant: string;
  readonly from: string;
  readonly id: string;
  readonly to?: string;
  readonly conversation?: string;
  readonly text: string;
  /** Why this is not to be accepted; but whatever was accepted before under its id is answered so for ever. */
  readonly refusal?: "forbidden" | "rate_limited" | "unavailable" | undefined;
  /** Comes back with the log entry, so that whoever asked can be recognised. Never stored. */
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

/** What changed for one user after a position, whole up to `upTo`, in the order of n. */
export type Page = {
  readonly changes: readonly Change[];
  /** The head if nothing was cut off, else the last n that the page is whole up to. */
  readonly upTo: number;
  readonly more: boolean;
};

/** How large a page may be: rows of each kind, and bytes of text of those received, and of those sent; one message always fits. */
export type PageBound = { readonly rows: number; readonly bytes: number };

/** A stretch of the whole log, in the order of n. */
export type Stretch = { readonly entries: readonly LogEntry[]; readonly upTo: number; readonly more: boolean };

/** The messages of a stretch of the log, whole up to `upTo`, in the order of n. */
export type MessageStretch = {
  readonly messages: readonly (Message & { readonly tenant: string })[];
  readonly upTo: number;
};

/** How far a device has stored the log, and at which level; default: the lowest. */
export type AckedTo = { readonly n: number; readonly level?: number };

/** Where a device stands. */
export type DeviceStart = {
  /** Everything up to here was acked: where its sync goes on. Of the messages of others it may have more. */
  readonly synced: number;
  /** What any device of the same user has acked: where a new device would start. */
  readonly newest: number;
  readonly head: Cursor;
  /** The level at which it has stored what it acked. */
  readonly level: number;
  /** When it was last seen, in milliseconds since the Unix epoch; written now and then. */
  readonly seen: number;
};

/** What a user says of another one; what is absent stays as it is. */
export type Said = { readonly other: string; readonly contact?: boolean; readonly blocked?: boolean };

/** Names in their order. */
export type PeoplePage = {
  readonly users: readonly string[];
  /** The name after which to go on; absent: there is nothing more. */
  readonly next?: string;
};

/** Told whether a mark is on disk. */
export type Settle = (isStored: boolean) => void;

/**
 * Why a store is not available. `damaged` is for good: what can still be read is, and nothing is accepted until the process is started again on a
 * whole database. `level`: the log holds what this release cannot read; nothing is served until a newer release is started. `file`: the file is
 * not, or no longer, this process' alone. The others end by themselves; `history`: the database has another one,
 * which is being opened.
 */
export type Trouble = "commits" | "reads" | "history" | "file" | "level" | "damaged";

/** What is durable. Every method that takes an identity sees that tenant's and that user's rows only. */
export interface Store {
  /** Where devices are notified, and when not. Rejects with `unavailable`. */
  readonly devices: DeviceStore;

  /** What is durable about notifying them: for the push worker alone. Rejects with `unavailable`. */
  readonly push: PushStore;

  /**
   * Takes a send into the next commit and calls `settle` once its outcome is known: those of one sender in the order of the
   * calls but for retries of an id that is in the same commit, always before the commit's entries are announced.
   */
  append(send: Send, settle: (outcome: Outcome) => void): void;

  /**
   * Notes that a device has stored everything up to a change number, and at which level where that is known; committed a little later with others
   * of its kind. `settle` is told whether all of it is on disk; where it is not, the outcome is unknown, and to ack again settles it.
   */
  ack(identity: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void;

  /**
   * The same of the messages of others alone, as the undelivered list has them: what the user did on other devices is not among them, so that the
   * device's sync goes on where it was.
   */
  ackList(identity: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void;

  /** Notes that a user has seen a conversation up to `seq`; as for `ack`. */
  read(identity: Identity, conversation: string, seq: number, settle?: Settle): void;

  /**
   * Where the device stands. One that is not known gets its start stored first: after what any device of its user has acked, or at its own
   * change number `after` where that is before it, at its `level` (default: the lowest). Of too many devices of a user the one that was not seen for longest is forgotten,
   * with its addresses. Rejects with `unavailable`.
   */
  openDevice(
    identity: Identity,
    device: string,
    options?: { readonly after?: number | undefined; readonly level?: number | undefined },
  ): Promise<DeviceStart>;

  /** What changed for a user after change number `after`, as much of it as the bound and the limits allow. Rejects with `unavailable`. */
  changes(identity: Identity, after: number, bound: PageBound): Promise<Page>;

  /**
   * The messages that a query selects, as of one point of the log; null where its conversation is not the user's. A device
   * whose undelivered messages are asked for gets its start stored first. Rejects with `unavailable`.
   */
  history(identity: Identity, query: HistoryQuery): Promise<HistoryPage | null>;

  /** A user's conversations below a change number, newest activity first. Rejects with `unavailable`. */
  conversations(identity: Identity, options: { below: number; limit: number }): Promise<ConversationPage>;

  /**
   * What a user says of others from now on; resolves once it is on disk. Calls that do not wait for each other are in no order. Rejects with `unavailable`, or with `too_large` where there
   * would be more of them than `relationsMax`.
   */
  relate(identity: Identity, said: readonly Said[]): Promise<void>;

  /** What stands between a user and each of the others, in their order. Rejects with `unavailable`. */
  ties(identity: Identity, others: readonly string[]): Promise<readonly Relationship[]>;

  /** A user's contacts, or whom they have blocked, after a name. Rejects with `unavailable`. */
  people(
    identity: Identity,
    options: { which: "contact" | "blocked"; after: string; limit: number },
  ): Promise<PeoplePage>;

  /** Whether a user has the other one as a contact. Rejects with `unavailable`. */
  isContact(identity: Identity, other: string): Promise<boolean>;

  /** Notes when a user was connected, in milliseconds since the Unix epoch; committed a little later, never back. */
  seen(identity: Identity, time: number): void;

  /** When users were last connected, for those of whom it is known. Rejects with `unavailable`. */
  lastSeen(tenant: string, users: readonly string[]): Promise<ReadonlyMap<string, number>>;

  /**
   * Keeps a ticket of a session, as its hash, until it expires: not where its user has as many as `ticketsPerUserMax`, nor where their sessions were ended
   * after change number `provedAfter`. Times are milliseconds since the Unix epoch. Rejects with `unavailable`.
   */
  addTicket(
    session: Session,
    ticket: { hash: string; expires: number; now: number; provedAfter: number },
  ): Promise<"added" | "too many" | "revoked">;

  /** Whose ticket this is, which from then on is nobody's; null where it is none that is good. Rejects with `unavailable`. */
  useTicket(hash: string, now: number): Promise<Session | null>;

  /** The newest revocations since a time, in milliseconds since the Unix epoch. Rejects with `unavailable`. */
  revocations(since: number): Promise<readonly LogEntry[]>;

  /** Ends the sessions and the tickets of a user, on one device or on all: every node learns of it by the log. Rejects with `unavailable`. */
  revoke(
    identity: Identity,
    options: { readonly device?: string | undefined; readonly reason: string; readonly time: number },
  ): Promise<void>;

  /** What changed for anybody after change number `after`: at most `limit` rows of each kind, and so many bytes of text as the limits allow. Rejects with `unavailable`. */
  log(after: number, limit: number): Promise<Stretch>;

  /** The messages of all tenants after change number `after`: at most `limit`, and so many bytes of text as the limits allow. Rejects with `unavailable`. */
  messages(after: number, limit: number): Promise<MessageStretch>;

  /** Durable places in the log, for those who follow it on behalf of the host. */
  readonly places: LogPlaces;

  /** Makes and reads the opaque texts of this history: once `head()` has answered. */
  readonly cursors: Cursors;

  /** The newest position. Rejects with `unavailable`. */
  head(): Promise<Cursor>;

  /** The people of a conversation; null where the tenant has no such conversation. */
  members(tenant: string, conversation: string): Promise<readonly string[] | null>;

  /** The id of the message at a place of a conversation, whose people the asker is one of; null: there is none. */
  messageAt(conversation: string, seq: number): Promise<string | null>;

  /** The direct conversation of two users; null while they have none. */
  direct(tenant: string, one: string, other: string): Promise<string | null>;

  /** Calls `listener` after each commit, in commit order. */
  onCommit(listener: (commit: Commit) => void): void;

  /** Resolves once no commit is under way: what a read then shows has been answered. */
  settled(): Promise<void>;

  /** Resolves once no send waits for its answer. */
  drained(): Promise<void>;

  /** Whether it takes commits, and can be read. After a failed commit sends are refused until one succeeds. */
  isAvailable(): boolean;

  /** Whether the database may still have the history that this store serves. */
  isCurrent(): boolean;

  /** Another node has told of an entry that this release cannot read; `found` says what. As where the log holds one: nothing is served any more. */
  cannotRead(found: string): void;

  /**
   * Gives up what waits: sends are answered `unavailable`, marks are dropped, and nothing more is taken. For a store whose history has ended; the
   * database stays open. Resolves once no call of it is under way.
   */
  abandon(): Promise<void>;

  /** Why it is not available; null: it is. */
  trouble(): Trouble | null;

  /** Commits what waits, then releases the database. */
  close(): Promise<void>;
}
