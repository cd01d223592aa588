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

/** One thing that a device must learn of, at its place in the log. */
export type Change =
  | ({ readonly kind: "message" } & Message)
  | ({ readonly kind: "receipt" } & Receipt)
  | ({ readonly kind: "relation" } & Relation);

/** Sessions of a user were ended: what stands in the log for the nodes, and goes to no device. */
export type Revocation = {
  readonly n: number;
  readonly user: string;
  /** Absent: on every device. */
  readonly device?: string;
  /** For the client, as it is closed. */
  readonly reason: string;
};

/** The position of a reader in one history of the log. */
export type Cursor = {
  readonly epoch: string;
  readonly n: number;
};
