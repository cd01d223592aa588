import { ChatError } from "../../error.ts";
import type { Random } from "../../internal/random.ts";
import { group as groupKind } from "../../log/group.ts";
import { type GroupEvent, type LogEntry, type Role } from "../../model.ts";
import { decodeConversation, encodeConversation } from "../../protocol/conversation-id.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row, Statement, Value } from "../engine/engine.ts";
import type { OneHistory } from "../one-history.ts";
import { groupEntryOf, membershipEntryOf, messageEntryOf } from "../read/log-rows.ts";
import { integer, integerOrNull, text } from "../row.ts";
import * as headSql from "../sql.ts";
import * as sendSql from "../write/send-sql.ts";
import * as sql from "./group-member-sql.ts";
import { roleCode, roleOf, stateOf, statusCode } from "./group-rows.ts";
import type { Actor, GroupStore, GroupView } from "./group-store.ts";

export type GroupStoreOptions = {
  readonly engine: Pick<Engine, "read" | "write">;
  readonly history: Pick<OneHistory, "note" | "cursorOf">;
  readonly random: Random;
  readonly limits: Limits;
  readonly onCommit: (commit: { from: number; to: number; entries: readonly LogEntry[] }) => void;
};

type Named = readonly [name: string, statement: Statement];

/** What one change of a group does, and when. */
type Change = {
  readonly actor: Actor;
  readonly key: number;
  /** The statement that decides, and changes memberships or the state. */
  readonly steps: readonly Named[];
  /** Null: nothing happens at a place of its own. `namesUsers`: the users who were changed are added to it. */
  readonly event: { readonly event: GroupEvent; readonly namesUsers?: boolean } | null;
  readonly now: number;
};

type Seen = { readonly view: GroupView; readonly isHere: boolean };

const notFound = (): ChatError => new ChatError("not_found", "There is no such group");
const forbidden = (why: string): ChatError => new ChatError("forbidden", why);

const first = (actor: Actor, key: number): readonly Value[] => [
  actor.tenant,
  actor.user,
  Number(actor.isHost === true),
  key,
];
const keyOf = (conversation: string): number => decodeConversation(conversation) ?? -1;

export function createGroupStore(options: GroupStoreOptions): Omit<GroupStore, "list" | "listed"> {
  const { engine, history, random, limits, onCommit } = options;

  /** One transaction: the steps, the event, the numbers, and what the actor then sees of the group. */
  async function commit({ actor, key, steps, event, now }: Change) {
    const args = first(actor, key);
    const named: Named[] = [
      ["before", { sql: headSql.selectHead }],
      ...steps,
      ...(event === null
        ? []
        : [
            [
              "messages",
              {
                sql: sql.insertEvent,
                args: [
                  ...args,
                  random.messageId(now),
                  now,
                  JSON.stringify(event.event),
                  Number(event.namesUsers === true),
                ],
              },
            ] as const,
          ]),
      ["size", { sql: sql.countMembers, args: [key] }],
      ["advance", { sql: sendSql.advanceConversations }],
      ["head", { sql: sql.advanceHeadToGroups }],
      ["level", { sql: sql.raiseLevelForGroups, args: [groupKind.level] }],
      ["after", { sql: headSql.selectHead }],
      ["view", { sql: sql.selectView, args }],
    ];
    const results = await engine.write(named.map(([, statement]) => statement));
    const rowsOf = (name: string): readonly Row[] =>
      named.flatMap(([one], i) => (one === name ? (results[i] ?? []) : []));
    const [before, after] = [history.cursorOf(rowsOf("before")[0]), history.cursorOf(rowsOf("after")[0])];
    history.note(after);
    const entries: LogEntry[] = [
      ...rowsOf("messages").map(messageEntryOf),
      ...rowsOf("group").map(groupEntryOf),
      ...rowsOf("members").map(membershipEntryOf),
    ].sort((a, b) => a.change.n - b.change.n);
    if (after.n > before.n) onCommit({ from: before.n, to: after.n, entries });
    return { seen: seenIn(rowsOf("view")[0], actor), hasChanged: entries.length > 0, rowsOf };
  }

  function seenIn(row: Row | undefined, { isHost }: Actor): Seen | null {
    if (row === undefined) return null;
    const isHere = integerOrNull(row, "status") === statusCode("member");
    const view: GroupView = {
      ...{
        conversation: encodeConversation(integer(row, "conversation")),
        state: stateOf(row),
        size: integer(row, "size"),
      },
      ...(isHere && isHost !== true && { role: roleOf(row) }),
    };
    return { view, isHere };
  }

  async function look(actor: Actor, key: number): Promise<Seen | null> {
    const [[row] = []] = await engine.read([{ sql: sql.selectView, args: first(actor, key) }]);
    return seenIn(row, actor);
  }

  /** What a member, or the host, sees of a group. */
  function required(seen: Seen | null, { isHost }: Actor): GroupView {
    if (seen === null || !(seen.isHere || isHost === true)) throw notFound();
    return seen.view;
  }

  /** Before a change: tells those whose role does not suffice, so that a change that is refused makes no users. */
  async function requireRole(actor: Actor, key: number, least: Role): Promise<GroupView> {
    const view = required(await look(actor, key), actor);
    if (actor.isHost !== true && roleCode(view.role ?? "member") < roleCode(least))
      throw forbidden(`Only ${least === "owner" ? "owners" : "admins and owners"} of the group may do this`);
    return view;
  }

  const users = ({ tenant, user }: Actor, others: readonly string[]): Named => [
    "users",
    { sql: sendSql.insertUsers, args: [JSON.stringify([user, ...others].map((id) => [tenant, id]))] },
  ];

  const requireFew = (list: readonly string[]): void => {
    if (list.length > limits.groupAddMax)
      throw new ChatError("too_large", `At most ${limits.groupAddMax} users at once`);
  };

  return {
    async create(creator, { id, members, ...state }, now) {
      const others = [...new Set(members)].filter((member) => member !== creator.user);
      requireFew(others);
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

    async add(actor, conversation, asked, now) {
      const list = [...new Set(asked)];
      requireFew(list);
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
      if (!hasChanged && (await look({ tenant: actor.tenant, user }, key))?.isHere === true)
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
      if (!seen.isHere)
        throw forbidden("The group is full, or you were removed from it, or you are in too many groups");
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
      const members = found.slice(0, limit).map((one) => ({ user: text(one, "user"), role: roleOf(one) }));
      const last = members.at(-1);
      return { members, ...(found.length > limit && last !== undefined && { next: last.user }) };
    },

    async presences({ tenant, user }) {
      const [rows = []] = await engine.read([{ sql: sql.selectPresences, args: [tenant, user] }]);
      return rows.map((row) => ({
        conversation: encodeConversation(integer(row, "conversation")),
        ...{ joinedN: integer(row, "joined_n"), untilN: integerOrNull(row, "until_n") },
      }));
    },
  };
}
