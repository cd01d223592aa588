import * as v from "valibot";
import { ChatError } from "../error.ts";
import { identifierForm, isIdentifier } from "../protocol/identifier.ts";
import { costs } from "../protocol/costs.ts";
import type { Limits } from "../protocol/limits.ts";
import { jsonResponse, type Call, type Route } from "./call.ts";
import { readParameters, wholeNumber } from "./parameters.ts";

const limitDefault = 200;

/** The user in a route's path: another one than the asker. */
export function otherOf({ id, session }: Call): string {
  if (!isIdentifier(id)) throw new ChatError("bad_request", "The user in the path is malformed");
  if (id === session.user) throw new ChatError("invalid_recipient", "The user in the path is the one who asks");
  return id;
}

/** The handler of a route that changes the asker's relation to the user in its path: 204 once it is on disk. */
export const changeRelation =
  (change: { readonly contact: boolean } | { readonly blocked: boolean }): Route["handle"] =>
  async (call) =>
    await call.store.relate(call.session, [{ other: otherOf(call), ...change }]);

export const peopleParameters = ({ answerRowsMax }: Limits) =>
  v.strictObject({
    limit: v.optional(wholeNumber([1, answerRowsMax], `Names of a page; else: ${limitDefault}`)),
    // Looser than an id: a page may end with `.` or `..`, entries from before these were refused.
    after: v.optional(
      v.pipe(v.string(), v.regex(identifierForm), v.description("Names after this one: `next` of the page before")),
    ),
  });

/** The relations to others, with the fields that list them. */
const lists = { contact: "contacts", blocked: "blocks" } as const;

/** A page of users in the order of their names. */
export async function listPeople(
  { request, session, store, limits, spend }: Call,
  which: keyof typeof lists,
): Promise<Response> {
  const { limit = limitDefault, after = "" } = readParameters(request.url, peopleParameters(limits));
  const { users, next } = await store.people(session, { which, after, limit });
  spend(costs.row * users.length);
  const list = users.map((user) => ({ user }));
  return jsonResponse(200, JSON.stringify({ [lists[which]]: list, ...(next !== undefined && { next }) }));
}
