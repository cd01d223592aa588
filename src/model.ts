/** The nouns. Everything here is plain data; nothing here knows the wire, SQL or a runtime. */

/** Who, proved by the host: never taken from a frame. */
export type Identity = {
  readonly tenant: string;
  readonly user: string;
};

/** One text for an identity, for maps: neither part can hold a space. */
export const identityKey = ({ tenant, user }: Identity): string => `${tenant} ${user}`;

/** An identity with the end of its proof. */
export type Session = Identity & {
  /** Milliseconds since the Unix epoch after which the proof no longer holds; absent: it does not expire. */
  readonly expiresAt?: number;
  /** It is the host itself. */
  readonly isHost?: true;
};

/** A message as the log holds it. */
export type Message = {
  readonly n: number;
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly time: number;
};

/** How far a member of a conversation has got. */
export type Receipt = {
  readonly n: number;
  readonly conversation: string;
  readonly user: string;
  readonly delivered: number;
  readonly read: number;
};

/** A conversation as one of its people sees it in their list. */
export type Conversation = {
  readonly id: string;
  readonly with: string;
  readonly lastMessage: Message;
  /** Messages of the other above `read`. */
  readonly unread: number;
  /** One's own marks. */
  readonly delivered: number;
  readonly read: number;
  /** The other's: what one's own messages have come to. Absent while one of the two has blocked the other. */
  readonly peer?: { readonly delivered: number; readonly read: number };
};

/** What a user has said of another one. */
export type Relation = {
  readonly n: number;
  /** The other one. */
  readonly user: string;
  readonly contact: boolean;
  readonly blocked: boolean;
};

/** What stands between a user and another one, whoever of the two made it so. */
export type Relationship = {
  /** The user has blocked the other one. */
  readonly hasBlocked: boolean;
  /** The other one has blocked the user. */
  readonly isBlocked: boolean;
  /** One of them has the other as a contact. */
  readonly isContact: boolean;
  readonly hasConversation: boolean;
};

/** A user's sessions were ended. Nodes follow it in the log; devices do not get it. */
export type Revocation = {
  readonly n: number;
  readonly user: string;
  /** Absent: on every device. */
  readonly device?: string;
  /** For the client, sent when its connection is closed. */
  readonly reason: string;
};

/** The kinds of log entry, each with its fields. A kind that is added here is demanded by the compiler where it must be known: `src/log` says what. */
export type Entries = {
  readonly message: Message;
  readonly receipt: Receipt;
  readonly relation: Relation;
  readonly revocation: Revocation;
};

export type Kind = keyof Entries;

/** Kinds that devices get. */
export type ChangeKind = Exclude<Kind, "revocation">;

/** One entry of the log. */
export type Entry<K extends Kind = Kind> = { readonly [Each in K]: { readonly kind: Each } & Entries[Each] }[K];

/** An entry that devices get, as one user sees it. */
export type Change<K extends ChangeKind = ChangeKind> = Entry<K>;

/** An entry with its tenant and the users who must get it. */
export type LogEntry<K extends Kind = Kind> = {
  readonly tenant: string;
  readonly users: readonly string[];
  readonly change: Entry<K>;
  /** The connection that sent it, on the node that wrote it. Never stored. */
  readonly origin?: object | undefined;
};

/** The position of a reader in one history of the log. */
export type Cursor = {
  readonly epoch: string;
  readonly n: number;
};
