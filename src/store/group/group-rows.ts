import { type GroupEvent, type GroupState, type Membership, type Mentions, type Role, roles } from "../../model.ts";
import { encodeConversation } from "../../protocol/conversation-id.ts";
import type { Row } from "../engine/engine.ts";
import { integer, integerOrNull, text } from "../row.ts";

const statuses = ["member", "left", "removed"] as const;

/** The number of a status, and of a role, in tidings_group_member. */
export const statusCode = (status: Membership["status"]): number => statuses.indexOf(status);
export const roleCode = (role: Role): number => roles.indexOf(role);

function named<Name extends string>(names: readonly Name[], row: Row, column: string): Name {
  const name = names[integer(row, column)];
  if (name === undefined) throw new TypeError(`Column ${column} must be one of ${names.length} names`);
  return name;
}

export const roleOf = (row: Row): Role => named(roles, row, "role");

const visibilities = ["private", "open"] as const;
const histories = ["all", "joined"] as const;

/** What all members know of a group. The database holds what this program has checked and written. */
export function stateOf(row: Row): GroupState {
  const [visibility, history] = [text(row, "visibility"), text(row, "history")];
  const data: unknown = JSON.parse(text(row, "data"));
  if (typeof data !== "object" || data === null) throw new TypeError("Column data must be an object");
  return {
    ...{ version: integer(row, "version"), name: text(row, "name"), data: { ...data } },
    visibility: visibilities.find((one) => one === visibility) ?? "private",
    history: histories.find((one) => one === history) ?? "joined",
  };
}

export function membershipOf(row: Row): Membership {
  const [status, until] = [named(statuses, row, "status"), integerOrNull(row, "until")];
  const untilN = integerOrNull(row, "until_n");
  return {
    ...{
      n: integer(row, "n"),
      conversation: encodeConversation(integer(row, "conversation")),
      user: text(row, "user"),
    },
    ...{ status, role: roleOf(row), first: integer(row, "since") + 1, next: integer(row, "joined") + 1 },
    ...(until !== null && { last: until }),
    joinedN: integer(row, "joined_n"),
    ...(untilN !== null && { untilN }),
    read: integer(row, "read"),
    ...(status === "member" && { group: stateOf(row) }),
  };
}

/** The event of a message; undefined: it has words. */
export const eventOf = (row: Row): GroupEvent | undefined =>
  row["event"] === null ? undefined : (JSON.parse(text(row, "event")) as GroupEvent);

/** The mentions of a message; undefined: there are none. */
export const mentionsOf = (row: Row): Mentions | undefined =>
  typeof row["mentions"] === "string" ? (JSON.parse(row["mentions"]) as Mentions) : undefined;
