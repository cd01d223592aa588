import type { Change, ChangeKind, Entries, Entry, Identity, Kind, LogEntry, Receipt, Revocation } from "../model.ts";
import type { ClientChange } from "../protocol/frame.ts";

type TypeName<Value> = Value extends string
  ? "string"
  : Value extends number
    ? "number"
    : Value extends boolean
      ? "boolean"
      : "object";

/** The type of each field of a kind but `n` and those that may be absent. */
type FieldTypes<Fields> = {
  readonly [Name in keyof Fields as Name extends "n" ? never : undefined extends Fields[Name] ? never : Name]: TypeName<
    Fields[Name]
  >;
};

/** The consequences that an entry can have on a node. A follower of the log passes handlers for those that concern it. */
export type Consequences = {
  /** A user is notified of entry `n` unless a device of theirs acks it in time. `UnackedStore.pendingBetween` reads the same from the store. */
  readonly markPending?: (recipient: Identity, n: number) => void;
  /** A user has read a conversation further: notifications of it may be over. Also in `pendingBetween`. */
  readonly noteRead?: (reader: Identity & Receipt) => void;
  /** A user has blocked another one: notifications of the other's messages are over. Also in `pendingBetween`. */
  readonly noteBlock?: (blocker: Identity & { readonly other: string; readonly n: number }) => void;
  /** A cached relationship of two users is no longer valid. */
  readonly forgetRelationship?: (tenant: string, one: string, other: string) => void;
  /** Sessions of a user have ended: their connections are closed. */
  readonly revoke?: (tenant: string, revocation: Revocation) => void;
};

/** All that the server knows about one kind of log entry, except how it is stored (`src/store/read/log-rows.ts`). */
export type LogKind<K extends Kind> = {
  /**
   * 1 for the kinds of the first release, then one more for each release with new kinds. A release reads the log only up to its highest level, and a connection
   * gets changes only up to its own.
   */
  readonly level: number;
  /** The level of those entries that have a higher one than their kind. */
  levelOf?(entry: Entry<K>): number;
  /** The types of its fields. An entry that another node announces with other fields is read from the store instead. */
  readonly fields: FieldTypes<Entries[K]>;
  /** Calls the handlers of the entry's consequences. Every follower calls it for every entry: it allocates nothing where no handler is passed. */
  consequences(entry: LogEntry<K>, handlers: Consequences): void;
  /** Whether it has consequences on nodes on which none of its users is connected, other than for notifications. */
  isForAllNodes(entry: LogEntry<K>): boolean;
  /** Of the entries of one commit that have the same key, only the newest is announced. Null: all of them are. */
  readonly keyInCommit: ((entry: Entry<K>) => string) | null;
};

/** The same for a kind that devices get. */
export type ChangeLogKind<K extends ChangeKind> = LogKind<K> & {
  /** Its form in a `changes` frame: without `n`, which clients never see. */
  encode(change: Change<K>): ClientChange<K>;
  /** The length of its text, which costs more to read from the log than the rest. */
  textLength(change: Change<K>): number;
  /** The user to charge when it goes to many connections. Null: it is free. */
  payer(change: Change<K>): string | null;
};
