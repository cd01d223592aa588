import { ChatError } from "../../error.ts";
import type { Random } from "../../internal/random.ts";
import { group as groupKind } from "../../log/group.ts";
import type { GroupEvent, LogEntry, Role } from "../../model.ts";
import { decodeConversation, encodeConversation } from "../../protocol/conversation-id.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Engine, Row, Statement, Value } from "../engine/engine.ts";
import type { OneHistory } from "../one-history.ts";
import { groupEntryOf, membershipEntryOf, messageEntryOf } from "../read/log-rows.ts";
import { integer, integerOrNull } from "../row.ts";
import * as headSql from "../sql.ts";
import type { Commit } from "../store.ts";
import * as sendSql from "../write/send-sql.ts";
import * as sql from "./group-member-sql.ts";
import { roleCode, roleOf, stateOf, statusCode } from "./group-rows.ts";
import type { Actor, GroupView } from "./group-store.ts";

export type GroupStoreOptions = {
  readonly engine: Pick<Engine, "read" | "write">;
  readonly history: Pick<OneHistory, "note" | "cursorOf">;
  readonly random: Random;
  readonly limits: Limits;
  readonly onCommit: (commit: Commit) => void;
};

export type Named = readonly [name: string, statement: Statement];

/** One change of a group. */
type Change = {
  readonly actor: Actor;
  readonly key: number;
  /** The statement that decides, and changes memberships or the state. */
  readonly steps: readonly Named[];
  /** Null: nothing happens at a place of its own. `namesUsers`: the users who were changed are added to it. */
  readonly event: { readonly event: GroupEvent; readonly namesUsers?: boolean } | null;
  readonly now: number;
};

export type Seen = { readonly view: GroupView; readonly isHere: boolean };

export const keyOf = (conversation: string): number => decodeConversation(conversation) ?? -1;

/** Why a user may not join a group that is open to them. */
export const joinRefused = "The group is full, or you were removed from it, or you are in too many groups";
export const notFound = (): ChatError => new ChatError("not_found", "There is no such group");
export const forbidden = (why: string): ChatError => new ChatError("forbidden", why);

/** The first arguments of every statement. */
export const first = (actor: Actor, key: number): readonly Value[] => [
  actor.tenant,
  actor.user,
  Number(actor.isHost === true),
  key,
];

export type GroupCommits = ReturnType<typeof createGroupCommits>;

/** Changes groups, each change in one transaction, and reads them as their members see them. */
export function createGroupCommits({ engine, history, random, onCommit }: GroupStoreOptions) {
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

  async function look(actor: Actor, key: number): Promise<Seen | null> {
    const [[row] = []] = await engine.read([{ sql: sql.selectView, args: first(actor, key) }]);
    return seenIn(row, actor);
  }

  /** A group as a member, or the host, sees it. */
  function required(seen: Seen | null, { isHost }: Actor): GroupView {
    if (seen === null || !(seen.isHere || isHost === true)) throw notFound();
    return seen.view;
  }

  /** Refuses an actor with too low a role before the change: a refused change makes no users. */
  async function requireRole(actor: Actor, key: number, least: Role): Promise<GroupView> {
    const view = required(await look(actor, key), actor);
    if (actor.isHost !== true && roleCode(view.role ?? "member") < roleCode(least))
      throw forbidden(`Only ${least === "owner" ? "owners" : "admins and owners"} of the group may do this`);
    return view;
  }

  return { commit, look, required, requireRole };
}

/** Makes the actor and others known. */
export const users = ({ tenant, user }: Actor, others: readonly string[]): Named => [
  "users",
  { sql: sendSql.insertUsers, args: [JSON.stringify([user, ...others].map((id) => [tenant, id]))] },
];

export function seenIn(row: Row | undefined, { isHost }: Actor): Seen | null {
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
