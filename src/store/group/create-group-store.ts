import { ChatError } from "../../error.ts";
import { encodeConversation } from "../../protocol/conversation-id.ts";
import type { ConversationReader } from "../read/conversation-reader.ts";
import { integer, integerOrNull, text } from "../row.ts";
import {
  createGroupCommits,
  first,
  forbidden,
  type GroupCommits,
  type GroupStoreOptions,
  joinRefused,
  keyOf,
  notFound,
  seenIn,
  users,
} from "./group-commit.ts";
import * as marksSql from "./group-marks-sql.ts";
import * as sql from "./group-member-sql.ts";
import { roleCode, roleOf } from "./group-rows.ts";
import type { GroupStore, InviteStore } from "./group-store.ts";
import { createInvites } from "./invite-store.ts";

type Parts = GroupStoreOptions & GroupCommits;

export function createGroupStore(
  options: GroupStoreOptions & { readonly conversationReader: Pick<ConversationReader, "mixed" | "listed"> },
): GroupStore & InviteStore {
  const parts = { ...options, ...createGroupCommits(options) };
  const { mixed: list, listed } = options.conversationReader;
  return {
    ...createStates(parts),
    ...createMembers(parts),
    ...createOwn(parts),
    ...createReads(parts),
    ...createInvites(parts),
    list,
    listed,
  };
}

/** At most so many users are made or added by one call. */
function requireFew(list: readonly string[], { groupAddMax }: GroupStoreOptions["limits"]): void {
  if (list.length > groupAddMax) throw new ChatError("too_large", `At most ${groupAddMax} users at once`);
}

/** Groups are made, and what all know of them changes. */
function createStates({
  engine,
  random,
  limits,
  commit,
  look,
  required,
  requireRole,
}: Parts): Pick<GroupStore, "create" | "update"> {
  return {
    async create(creator, { id, members, ...state }, now) {
      const others = [...new Set(members)].filter((member) => member !== creator.user);
      requireFew(others, limits);
      const key = 1 + random.integer();
      const args = first(creator, key);
      const list = JSON.stringify([creator.user, ...others]);
      const { name, data, visibility } = state;
      const made = await commit({
        ...{ actor: creator, key, now, event: { event: { type: "created" } } },
        steps: [
          users(creator, others),
          ["conversation", { sql: sql.insertGroupConversation, args: [...args, id, limits.groupsPerUserMax, list] }],
          [
            "group",
            { sql: sql.insertGroup, args: [...args, id, name, JSON.stringify(data), visibility, state.history] },
          ],
          ["members", { sql: sql.insertFirstMembers, args: [...args, list] }],
        ],
      });
      if (made.seen !== null) return { view: made.seen.view, isNew: true };
      const [[birth] = []] = await engine.read([
        { sql: sql.selectBirth, args: first(creator, 0).slice(0, 3).concat(id) },
      ]);
      if (birth === undefined)
        throw new ChatError("too_large", `Somebody is in ${limits.groupsPerUserMax} groups, and may be in no more`);
      return { view: required(await look(creator, integer(birth, "conversation")), creator), isNew: false };
    },

    async update(actor, conversation, { name, data, visibility, history: kept, version }, now) {
      const key = keyOf(conversation);
      const isOwners = visibility !== undefined || kept !== undefined;
      const before = await requireRole(actor, key, isOwners ? "owner" : "admin");
      const isRenamed = name !== undefined && name !== before.state.name;
      const { seen, hasChanged } = await commit({
        ...{ actor, key, now, event: isRenamed ? { event: { type: "renamed", name } } : null },
        steps: [
          users(actor, []),
          [
            "group",
            {
              sql: sql.updateGroup,
              args: [
                ...first(actor, key),
                ...[
                  name ?? null,
                  data === undefined ? null : JSON.stringify(data),
                  visibility ?? null,
                  kept ?? null,
                  version ?? null,
                ],
              ],
            },
          ],
        ],
      });
      const view = required(seen, actor);
      if (!hasChanged && version !== undefined && version !== view.state.version)
        throw new ChatError("conflict", `The group has version ${view.state.version}`);
      return view;
    },
  };
}

/** Members are changed by others. */
function createMembers({
  limits,
  commit,
  look,
  required,
  requireRole,
}: Parts): Pick<GroupStore, "add" | "remove" | "setRole"> {
  return {
    async add(actor, conversation, asked, now) {
      const list = [...new Set(asked)];
      requireFew(list, limits);
      const key = keyOf(conversation);
      await requireRole(actor, key, "admin");
      const { seen, hasChanged } = await commit({
        ...{ actor, key, now, event: { event: { type: "added", users: [] }, namesUsers: true } },
        steps: [
          users(actor, list),
          [
            "members",
            {
              sql: sql.addMembers,
              args: [...first(actor, key), JSON.stringify(list), limits.groupMembersMax, limits.groupsPerUserMax],
            },
          ],
        ],
      });
      const view = required(seen, actor);
      if (!hasChanged && view.size + list.length > limits.groupMembersMax)
        throw new ChatError("too_large", `A group has at most ${limits.groupMembersMax} members`);
      return view;
    },

    async remove(actor, conversation, user, now) {
      const key = keyOf(conversation);
      await requireRole(actor, key, "admin");
      const { seen, hasChanged } = await commit({
        ...{ actor, key, now, event: { event: { type: "removed", users: [] }, namesUsers: true } },
        steps: [users(actor, []), ["members", { sql: sql.removeMember, args: [...first(actor, key), user] }]],
      });
      const view = required(seen, actor);
      if (hasChanged || actor.isHost === true) return view;
      const member = await look({ tenant: actor.tenant, user }, key);
      // A member with a lower role has joined only since.
      if (member?.isHere === true && roleCode(member.view.role ?? "member") >= roleCode(view.role ?? "member"))
        throw forbidden("Only somebody with a higher role may remove this member");
      return view;
    },

    async setRole(actor, conversation, { user, role }, now) {
      const key = keyOf(conversation);
      await requireRole(actor, key, "owner");
      const { seen, hasChanged } = await commit({
        ...{ actor, key, now, event: { event: { type: "role", user, role } } },
        steps: [
          users(actor, []),
          ["members", { sql: sql.setRole, args: [...first(actor, key), user, roleCode(role)] }],
        ],
      });
      const view = required(seen, actor);
      if (hasChanged) return view;
      const member = await look({ tenant: actor.tenant, user }, key);
      if (member === null || !member.isHere) throw new ChatError("not_found", "There is no such member");
      if (member.view.role !== role) throw forbidden("A group keeps an owner");
      return view;
    },
  };
}

/** Users come and go by themselves. */
function createOwn({ limits, commit, look, required }: Parts): Pick<GroupStore, "join" | "leave"> {
  return {
    async join(user, conversation, now) {
      const key = keyOf(conversation);
      const before = await look(user, key);
      if (before === null || (!before.isHere && before.view.state.visibility !== "open")) throw notFound();
      const { seen } = await commit({
        ...{ actor: user, key, now, event: { event: { type: "joined" } } },
        steps: [
          users(user, []),
          [
            "members",
            {
              sql: sql.joinGroup,
              args: [...first(user, key), JSON.stringify([user.user]), limits.groupMembersMax, limits.groupsPerUserMax],
            },
          ],
        ],
      });
      if (seen === null || (!seen.isHere && seen.view.state.visibility !== "open")) throw notFound();
      if (!seen.isHere) throw forbidden(joinRefused);
      return seen.view;
    },

    async leave(user, conversation, now) {
      const key = keyOf(conversation);
      const { seen, hasChanged } = await commit({
        ...{ actor: user, key, now, event: { event: { type: "left" } } },
        steps: [["members", { sql: sql.leaveGroup, args: first(user, key) }]],
      });
      if (hasChanged) return;
      required(seen, user);
      throw forbidden("The last owner names another one before leaving");
    },
  };
}

function createReads({ engine, limits, look }: Parts): Pick<GroupStore, "view" | "members" | "readers" | "presences"> {
  return {
    async view(asker, conversation) {
      const seen = await look(asker, keyOf(conversation));
      return seen !== null && (seen.isHere || asker.isHost === true) ? seen.view : null;
    },

    async members(asker, conversation, { after, limit }) {
      const args = first(asker, keyOf(conversation));
      const [[row] = [], found = []] = await engine.read([
        { sql: sql.selectView, args },
        { sql: sql.selectGroupMembers, args: [...args, after, limit + 1] },
      ]);
      const seen = seenIn(row, asker);
      if (seen === null || !(seen.isHere || asker.isHost === true)) return null;
      const members = found.slice(0, limit).map((one) => ({
        ...{ user: text(one, "user"), role: roleOf(one) },
        ...(integer(one, "size") <= limits.groupReceiptsMax && {
          ...{ delivered: integer(one, "delivered"), read: integer(one, "read") },
        }),
      }));
      const last = members.at(-1);
      return { members, ...(found.length > limit && last !== undefined && { next: last.user }) };
    },

    async readers(asker, conversation, { seq, after, limit }) {
      const args = [...first(asker, keyOf(conversation)), seq];
      const [[row] = [], found = []] = await engine.read([
        { sql: marksSql.selectReadCount, args },
        { sql: marksSql.selectGroupReaders, args: [...args, after, limit] },
      ]);
      if (row === undefined) return null;
      const sender = text(row, "sender");
      if (asker.isHost !== true && sender !== asker.user && integer(row, "size") > limits.groupReceiptsMax)
        throw forbidden("In a large group the sender alone learns this");
      const end = found.find((one) => integer(one, "is_last") === 1);
      const readers = found.filter((one) => one !== end).map((one) => text(one, "user"));
      return {
        ...{ count: integer(row, "readers"), readers: readers.filter((user) => user !== sender) },
        ...(end !== undefined && { next: text(end, "user") }),
      };
    },

    async presences({ tenant, user }) {
      const [rows = []] = await engine.read([{ sql: sql.selectPresences, args: [tenant, user] }]);
      return rows.map((row) => ({
        conversation: encodeConversation(integer(row, "conversation")),
        ...{ joinedN: integer(row, "joined_n"), untilN: integerOrNull(row, "until_n"), n: integer(row, "n") },
      }));
    },
  };
}
