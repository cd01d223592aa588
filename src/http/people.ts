import * as v from "valibot";
import { ChatError } from "../error.ts";
import { identifierForm, isIdentifier } from "../protocol/identifier.ts";
import { costs } from "../protocol/costs.ts";
import type { Limits } from "../protocol/limits.ts";
import { jsonResponse, type Call } from "./call.ts";
import { readParameters, wholeNumber } from "./parameters.ts";

const limitDefault = 200;

/** The user whom a route's path names: somebody else than the asker. */
export function otherOf({ id, session }: Call): string {
  if (!isIdentifier(id)) throw new ChatError("bad_request", "The user in the path is malformed");
  if (id === session.user) throw new ChatError("invalid_recipient", "The user in the path is the one who asks");
  return id;
}

export const peopleParameters = ({ answerRowsMax }: Limits) =>
  v.strictObject({
    limit: v.optional(wholeNumber(1, answerRowsMax, `Names of a page; else: ${limitDefault}`)),
    // Where somebody has an entry of before `.` and `..` were refused, its page's `next` still leads on.
    after: v.optional(
      v.pipe(v.string(), v.regex(identifierForm), v.description("Names after this one: `next` of the page before")),
    ),
  });

/** A page of people in the order of their names. */
export async function listPeople(
  { request, session, store, limits, spend }: Call,
  which: "contact" | "blocked",
  name: string,
): Promise<Response> {
  const { limit = limitDefault, after = "" } = readParameters(request.url, peopleParameters(limits));
  const { users, next } = await store.people(session, { which, after, limit });
  spend(costs.row * users.length);
  const list = users.map((user) => ({ user }));
  return jsonResponse(200, JSON.stringify({ [name]: list, ...(next !== undefined && { next }) }));
}
