/** The nouns. All of it is plain data, independent of the wire, of SQL and of runtimes. */

import { createSharedText } from "./internal/shared-text.ts";

/** A user, proved by the host: never taken from a frame. */
export type Identity = {
  readonly tenant: string;
  readonly user: string;
};

/** Several maps get the key of one user, one after the other. */
const shared = createSharedText();

/** One text for an identity, for maps: neither part can hold a space. */
export const identityKey = ({ tenant, user }: Identity): string => shared(`${tenant} ${user}`);

/** An identity with the end of its proof. */
export type Session = Identity & {
  /** Milliseconds since the Unix epoch after which the proof no longer holds; absent: it does not expire. */
  readonly expiresAt?: number;
  /** It is the host itself. */
  readonly isHost?: true;
};

/** What a member of a group may do, from the least to the most. */
export const roles = ["member", "admin", "owner"] as const;
export type Role = (typeof roles)[number];

/** What happened in a group, at its place among the messages. `from` of its message is who did it. */
export type GroupEvent =
  | { readonly type: "created" | "joined" | "left" }
  | { readonly type: "added" | "removed"; readonly users: readonly string[] }
  | { readonly type: "role"; readonly user: string; readonly role: Role }
  | { readonly type: "renamed"; readonly name: string };

/** The mentions of a message: some members of its group, or all of them. */
export type Mentions = readonly string[] | "all";

/** A message as the log holds it. */
export type Message = {
  readonly n: number;
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
  readonly from: string;
  /** Absent: it is of a group. */
  readonly to?: string;
  /** Empty where it tells of an event. */
  readonly text: string;
  readonly time: number;
  /** Absent: none. */
  readonly mentions?: Mentions;
  /** It tells of this, and is never unread. Absent: it is somebody's words. */
  readonly event?: GroupEvent;
};

/** What all members of a group know of it. */
export type GroupState = {
  /** How many times it has changed: the greater one is the newer. */
  readonly version: number;
  readonly name: string;
  /** Data of the app, as JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  /** `open`: who knows its id may join. */
  readonly visibility: "private" | "open";
  /** What somebody who joins may read: `all`, or what came since they `joined`. */
  readonly history: "all" | "joined";
};

/** A change of what all members of a group know of it. */
export type GroupChange = GroupState & { readonly n: number; readonly conversation: string };

/** A user's membership of a group as it is, for that user alone: it says which places of the conversation exist for them. */
export type Membership = {
  readonly n: number;
  readonly conversation: string;
  readonly user: string;
  readonly status: "member" | "left" | "removed";
  readonly role: Role;
  /** The first seq that they may read. */
  readonly first: number;
  /** What comes from this seq on is told to their devices; what was before is read when it is shown. */
  readonly next: number;
  /** The last seq that they may read. Absent: they are here. */
  readonly last?: number;
  /** What has a change number above this is sent to them, and up to `untilN` where that is set. Clients never see them. */
  readonly joinedN: number;
  readonly untilN?: number;
  /** How far they have read it. */
  readonly read: number;
  /** What is known of the group. Absent: they are not here. */
  readonly group?: GroupState;
};

/** The marks of a member of a conversation. */
export type Receipt = {
  readonly n: number;
  readonly conversation: string;
  readonly user: string;
  readonly delivered: number;
  readonly read: number;
  /** Of a group: for all its members if it is small, else for its user alone. */
  readonly isOfGroup?: true;
};

/** What a user has set for a conversation. */
export type Setting = {
  readonly muted: boolean;
  /** The end of the mute, in milliseconds since the Unix epoch; absent: there is none. */
  readonly until?: number;
  /** How many times it has changed. */
  readonly version: number;
};

/** A change of a setting. */
export type SettingChange = Setting & { readonly n: number; readonly conversation: string };

/** A group in the list of somebody who is, or was, its member. */
export type GroupConversation = Pick<Membership, "status" | "role" | "first" | "last" | "read"> & {
  readonly kind: "group";
  readonly id: string;
  /** What is known of the group. Absent, as its size: the user is not here. */
  readonly state?: GroupState;
  /** How many members it has. */
  readonly size?: number;
  /** The last one that the user may read. */
  readonly lastMessage: Message;
  /** The messages of others above `read` that are no events. */
  readonly unread: number;
  /** How many of them mention the user, or all members. */
  readonly mentions: number;
  readonly setting: Setting;
};

/** A conversation in the list of one of its people. */
export type Conversation = {
  readonly id: string;
  readonly with: string;
  readonly lastMessage: Message;
  /** The number of the other user's messages above `read`. */
  readonly unread: number;
  /** The user's own marks. */
  readonly delivered: number;
  readonly read: number;
  /** The marks of the other user. Absent while one of the two has blocked the other. */
  readonly peer?: { readonly delivered: number; readonly read: number };
  readonly setting: Setting;
};

/** Whether a user has another one as a contact, or has blocked them. */
export type Relation = {
  readonly n: number;
  /** The other user. */
  readonly user: string;
  readonly contact: boolean;
  readonly blocked: boolean;
};

/** The contacts and blocks between two users, in both directions, as seen from one of them. */
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
  readonly setting: SettingChange;
  readonly group: GroupChange;
  readonly membership: Membership;
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
  /** Where it is for a whole group, empty. */
  readonly users: readonly string[];
  /** The group whose members must get it, each if they were here at its n. */
  readonly group?: string;
  readonly change: Entry<K>;
  /** The connection that sent it, on the node that wrote it. Never stored. */
  readonly origin?: object | undefined;
};

/** The position of a reader in one history of the log. */
export type Cursor = {
  readonly epoch: string;
  readonly n: number;
};
