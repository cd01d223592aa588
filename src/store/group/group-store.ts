import type { GroupState, Identity, Receipt, Role } from "../../model.ts";
import type { ListOptions, MixedPage } from "../read/history.ts";

/** A group to be made. */
export type NewGroup = Omit<GroupState, "version"> & {
  /** The idempotency key, as of a message: the same creator makes one group with it. */
  readonly id: string;
  /** At most `limits.groupAddMax`, besides the creator. */
  readonly members: readonly string[];
};

/** Who changes a group: one of its members, or the host, who may do everything. */
export type Actor = Identity & { readonly isHost?: boolean };

/** What is to change of a group; an absent field stays. `version`: only if it still has this one. */
export type GroupUpdate = Partial<GroupState>;

/** A group as one of its members sees it. */
export type GroupView = {
  readonly conversation: string;
  readonly state: GroupState;
  /** How many members it has. */
  readonly size: number;
  /** The asker's role. Absent: the host asks. */
  readonly role?: Role;
};

export type GroupMember = { readonly user: string; readonly role: Role };

/** A member, and how far they have got it and read it if the group is small (`limits.groupReceiptsMax`). */
export type ListedMember = GroupMember & Partial<Pick<Receipt, "delivered" | "read">>;

/** Names in their order. */
export type GroupMemberPage = {
  readonly members: readonly ListedMember[];
  /** The name after which to go on; absent: there is nothing more. */
  readonly next?: string;
};

/** Members who have read a message, without its sender. */
export type ReadersPage = {
  /** How many there are. */
  readonly count: number;
  /** Some of them. */
  readonly readers: readonly string[];
  /** The name after which to go on; absent: there is nothing more. A page may be short. */
  readonly next?: string;
};

/** When a user learns of a group: of what has a change number above `joinedN`, and up to `untilN` where that is set. */
export type Presence = {
  readonly conversation: string;
  readonly joinedN: number;
  readonly untilN: number | null;
  /** The change number of the membership. */
  readonly n: number;
};

/**
 * Groups and their members. Whether an actor may do something is decided in the transaction that does it. Each change is one commit: an event at its place among
 * the messages, and the memberships that it changes. A method rejects with `not_found` where the actor is not a member of the group (a user who left is answered
 * nothing else), with `forbidden` where their role does not suffice, and with `unavailable` where the outcome is unknown: a retry settles it.
 */
export type GroupStore = {
  /** Makes a group, with the creator as its owner. `isNew` false: it was made before with this id. Rejects with `too_large` where a user is in too many groups. */
  create(
    creator: Identity,
    group: NewGroup,
    now: number,
  ): Promise<{ readonly view: GroupView; readonly isNew: boolean }>;
  /** Changes what all know of it: admins the name and the data, owners all. Rejects with `conflict` where it has another version. */
  update(actor: Actor, conversation: string, change: GroupUpdate, now: number): Promise<GroupView>;
  /** Adds users, by an admin; those who are members stay as they are, and those who have blocked the actor stay out. Rejects with `too_large` above the limits. */
  add(actor: Actor, conversation: string, users: readonly string[], now: number): Promise<GroupView>;
  /** Removes a member, by an admin whose role is above theirs. Who is none stays none. */
  remove(actor: Actor, conversation: string, user: string, now: number): Promise<GroupView>;
  /** Sets the role of a member, by an owner. Rejects with `forbidden` for the last owner, unless the host does it. */
  setRole(actor: Actor, conversation: string, member: GroupMember, now: number): Promise<GroupView>;
  /** Joins an open group; a removed user may not. Rejects with `not_found` for a private one. */
  join(user: Identity, conversation: string, now: number): Promise<GroupView>;
  /** Leaves it. Rejects with `forbidden` for the last owner of a group that has other members. */
  leave(user: Identity, conversation: string, now: number): Promise<void>;
  /** Null: the asker is not a member of it. */
  view(asker: Actor, conversation: string): Promise<GroupView | null>;
  /** The members after a name; null: the asker is not one of them. */
  members(
    asker: Actor,
    conversation: string,
    page: { readonly after: string; readonly limit: number },
  ): Promise<GroupMemberPage | null>;
  /**
   * The readers of the message at `seq`; at most `limit` members are looked at. Null: the asker is no member, or may not read it. Rejects with `forbidden` where the group is large
   * and the asker is not the sender.
   */
  readers(
    asker: Actor,
    conversation: string,
    page: { readonly seq: number; readonly after: string; readonly limit: number },
  ): Promise<ReadersPage | null>;
  /** A user's conversations and groups below a change number, also groups that they have left, newest activity first. */
  list(user: Identity, page: ListOptions): Promise<MixedPage>;
  /** One of them, by its id; an empty page where there is none. */
  listed(user: Identity, conversation: string): Promise<MixedPage>;
  /** A user's groups, also those that they have left, for the node that they are connected to. */
  presences(user: Identity): Promise<readonly Presence[]>;
};

/** An invitation to be made. The token itself is not stored. */
export type NewInvite = {
  readonly id: string;
  readonly hash: string;
  readonly expires: number;
  /** How many users may join by it. */
  readonly uses: number;
};

/** An invitation that can still be used. */
export type Invite = Omit<NewInvite, "hash"> & { readonly by: string };

export type InvitePage = {
  readonly invites: readonly Invite[];
  /** The id after which to go on; absent: there is nothing more. */
  readonly next?: string;
};

/**
 * Invitations into groups, made by admins and the host. An expired, used-up or revoked one is answered as an unknown one; so is the invitation of a maker
 * without the right to invite.
 */
export type InviteStore = {
  /** Makes one. Rejects with `too_large` where the group has too many. */
  invite(actor: Actor, conversation: string, invite: NewInvite, now: number): Promise<void>;
  /** Those that can be used, after an id. */
  invites(
    actor: Actor,
    conversation: string,
    page: { readonly after: string; readonly limit: number; readonly now: number },
  ): Promise<InvitePage>;
  /** Revokes one. One that does not exist stays so. */
  revokeInvite(actor: Actor, conversation: string, id: string): Promise<void>;
  /** The group of an invitation; null: there is none that can be used. */
  invited(user: Identity, hash: string, now: number): Promise<string | null>;
  /**
   * Joins by an invitation, and takes a use in the same transaction; members take none. A user who was removed may not. Rejects with `not_found` where the invitation cannot be used.
   */
  joinInvited(user: Identity, hash: string, now: number): Promise<GroupView>;
};
