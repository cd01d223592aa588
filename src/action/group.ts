import { ChatError } from "../error.ts";
import { utf8Bytes } from "../internal/utf8.ts";
import type { GroupState } from "../model.ts";
import { isIdentifier } from "../protocol/identifier.ts";
import type { Limits } from "../protocol/limits.ts";
import type { GroupView } from "../store/group/group-store.ts";

/** The name and data of a group, as they are given. */
export type GivenGroup = Partial<Pick<GroupState, "name" | "data">>;

// Control characters, which would break a line of a list.
const isControl = /\p{Cc}/u;

/**
 * Checks a name and data of a group, from HTTP or the host's code.
 *
 * @throws ChatError `bad_request`, `too_large`.
 */
export function requireGroup({ name, data }: GivenGroup, limits: Limits): void {
  if (name !== undefined) {
    if (typeof name !== "string" || name.trim() === "" || isControl.test(name) || !name.isWellFormed())
      throw new ChatError("bad_request", "name is not a text of one line");
    if (utf8Bytes(name) > limits.groupNameBytesMax)
      throw new ChatError("too_large", `name is longer than ${limits.groupNameBytesMax} bytes`);
  }
  if (data === undefined) return;
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new ChatError("bad_request", "data is not an object");
  const text = JSON.stringify(data);
  if (!text.isWellFormed()) throw new ChatError("bad_request", "data has a lone surrogate");
  if (utf8Bytes(text) > limits.groupDataBytesMax)
    throw new ChatError("too_large", `data is longer than ${limits.groupDataBytesMax} bytes`);
}

/**
 * Checks the users that one call names.
 *
 * @throws ChatError `invalid_recipient`, `too_large`.
 */
export function requireUsers(users: readonly string[], { groupAddMax }: Limits): void {
  if (!users.every(isIdentifier)) throw new ChatError("invalid_recipient", "One of the users is malformed");
  if (users.length > groupAddMax) throw new ChatError("too_large", `At most ${groupAddMax} users at once`);
}

/** A group as HTTP and the host's calls answer it. */
export const groupAnswer = ({ conversation, state, size, role }: GroupView) => ({
  ...{ id: conversation, kind: "group" as const, ...state, members: size },
  ...(role !== undefined && { role }),
});
