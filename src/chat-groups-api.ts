import type { GroupAnswer } from "./http/answer-schema.ts";
import type { Role } from "./model.ts";
import type { ListedMember, ReadersPage } from "./store/group/group-store.ts";

/** A group to be made by the server's own code (`Chat.groups.create`). */
export type ServerGroup = {
  /** Its owner: it is made in the name of this user. */
  readonly owner: string;
  /** One line of at most `limits.groupNameBytesMax` bytes of UTF-8. */
  readonly name: string;
  /** Data of the app: at most `limits.groupDataBytesMax` bytes as JSON. Default: none. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** `open`: every user with its id may join. Default `private`. */
  readonly visibility?: "private" | "open";
  /** New members may read `all` messages, or those since they `joined`. Default `joined`. */
  readonly history?: "all" | "joined";
  /** At most `limits.groupAddMax` users. Default: none. */
  readonly members?: readonly string[];
  /** Default `default`. */
  readonly tenant?: string;
  /** The idempotency key, a canonical UUID; default: a fresh one. Keep it to retry. */
  readonly id?: string;
};

/** The group of a call, and its actor. */
export type GroupCall = {
  /** The group's id. */
  readonly group: string;
  /** The actor: the event has this user as its author. It need not be a member. */
  readonly by: string;
  /** Default `default`. */
  readonly tenant?: string;
};

/** A change of a group; absent fields stay as they are. `version`: only if the group has this one. */
export type GroupChanges = GroupCall &
  Partial<Pick<ServerGroup, "name" | "data" | "visibility" | "history">> & { readonly version?: number };

/** Members of a group, in a fixed order. */
export type GroupMembers = {
  readonly members: readonly ListedMember[];
  /** For the next page; absent after the last one. */
  readonly next?: string;
};

/** An invitation into a group. */
export type GroupInvite = {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** How many users may still join by it. */
  readonly uses: number;
};

/** A new invitation: its token is in this answer alone. A user joins with `POST /invites/{token}/join`. */
export type NewGroupInvite = GroupInvite & { readonly token: string };

/** Invitations that can be used, oldest first. */
export type GroupInvites = {
  readonly invites: readonly (GroupInvite & { readonly by: string })[];
  /** For the next page; absent after the last one. */
  readonly next?: string;
};

/**
 * Groups, for the server's own code: it may do everything, in the name of any user. Every function rejects with a `ChatError`: `bad_request`, `too_large`, `not_found`,
 * `conflict` or `unavailable`.
 */
export type ChatGroups = {
  /**
   * Makes a group. With an `id` it can be repeated: the group is made once.
   *
   * @example
   * const { id } = await chat.groups.create({ owner: "ann", name: "Lunch", members: ["bob", "cid"] });
   */
  readonly create: (group: ServerGroup) => Promise<GroupAnswer>;
  /** A group as it is; null: there is none with this id. */
  readonly get: (call: { readonly group: string; readonly tenant?: string }) => Promise<GroupAnswer | null>;
  /** Changes its name, data, visibility or history. */
  readonly update: (call: GroupChanges) => Promise<GroupAnswer>;
  /** Adds at most `limits.groupAddMax` users; members, and users with a block against `by`, stay as they are. */
  readonly add: (call: GroupCall & { readonly users: readonly string[] }) => Promise<GroupAnswer>;
  /** Removes a member of any role; other users stay as they are. */
  readonly remove: (call: GroupCall & { readonly user: string }) => Promise<GroupAnswer>;
  /** Sets the role of a member: `member`, `admin` or `owner`. */
  readonly setRole: (call: GroupCall & { readonly user: string; readonly role: Role }) => Promise<GroupAnswer>;
  /** The members, at most `limit` of them (default `limits.answerRowsMax`), after the page with the `next` `after`. */
  readonly members: (call: {
    readonly group: string;
    readonly tenant?: string;
    readonly limit?: number;
    readonly after?: string;
  }) => Promise<GroupMembers>;
  /** How many members have read the message at `seq`, and which: in pages, as `members`. Null: there is no such group or message. */
  readonly readers: (call: {
    readonly group: string;
    readonly seq: number;
    readonly tenant?: string;
    readonly limit?: number;
    readonly after?: string;
  }) => Promise<ReadersPage | null>;
  /**
   * Makes an invitation. It is valid for `expiresIn` seconds (default and maximum: `limits.groupInviteMs`, `limits.groupInviteMsMax`), for `uses` users (default 1).
   *
   * @example
   * const { token } = await chat.groups.invite({ group: "c1", by: "ann", uses: 10 });
   */
  readonly invite: (
    call: GroupCall & { readonly expiresIn?: number; readonly uses?: number },
  ) => Promise<NewGroupInvite>;
  /** The invitations that can be used, at most `limit` of them (default `limits.answerRowsMax`), after the page with the `next` `after`. */
  readonly invites: (call: {
    readonly group: string;
    readonly tenant?: string;
    readonly limit?: number;
    readonly after?: string;
  }) => Promise<GroupInvites>;
  /** Revokes an invitation; one that does not exist stays so. */
  readonly revokeInvite: (call: {
    readonly group: string;
    readonly invite: string;
    readonly tenant?: string;
  }) => Promise<void>;
};
