import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { costs } from "../../protocol/costs.ts";
import type { Limits } from "../../protocol/limits.ts";
import { identifier } from "../../protocol/schema.ts";
import { blockPage, contactPage, oneUser } from "../answer-schema.ts";
import { readBody } from "../body.ts";
import { type Call, jsonResponse, type Route } from "../call.ts";
import { identifierForm, isIdentifier } from "../../protocol/identifier.ts";
import { readParameters, wholeNumber } from "../parameters.ts";

const limitDefault = 200;

/** The user in a route's path: another one than the asker. */
function otherOf({ id, session }: Call): string {
  if (!isIdentifier(id)) throw new ChatError("bad_request", "The user in the path is malformed");
  if (id === session.user) throw new ChatError("invalid_recipient", "The user in the path is the one who asks");
  return id;
}

/** The handler of a route that changes the asker's relation to the user in its path: 204 once it is on disk. */
const changeRelation =
  (change: { readonly contact: boolean } | { readonly blocked: boolean }): Route["handle"] =>
  async (call) =>
    await call.store.relate(call.session, [{ other: otherOf(call), ...change }]);

const peopleParameters = ({ answerRowsMax }: Limits) =>
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
async function listPeople(
  { request, session, store, limits, spend }: Call,
  which: keyof typeof lists,
): Promise<Response> {
  const { limit = limitDefault, after = "" } = readParameters(request.url, peopleParameters(limits));
  const { users, next } = await store.people(session, { which, after, limit });
  spend(costs.row * users.length);
  const list = users.map((user) => ({ user }));
  return jsonResponse(200, JSON.stringify({ [lists[which]]: list, ...(next !== undefined && { next }) }));
}

const bodyOf = ({ contactsAtOnceMax }: Limits) =>
  v.strictObject({ users: v.pipe(v.array(identifier), v.minLength(1), v.maxLength(contactsAtOnceMax)) });

/** Rejects unless the host lets the asker keep all of these users as contacts. */
async function allow({ session, policy }: Call, users: readonly string[]): Promise<void> {
  for (const to of users) {
    const verdict = await policy.decide("contact", session, { to });
    if (verdict === "forbidden") throw new ChatError("forbidden", "One of the users may not be a contact");
    if (verdict === "unavailable") throw new ChatError("unavailable", "The rule for contacts cannot be checked now");
  }
}

/** `GET /contacts`: by name; `next` is the name to go on after. */
export const getContacts: Route = {
  meta: {
    summary: "Your contacts, by name",
    parameters: peopleParameters,
    answers: { 200: contactPage },
    codes: ["bad_request"],
  },
  handle: (call) => listPeople(call, "contact"),
};

/** `GET /contacts/{user}`: 200 for a contact, 404 for any other user, whether they exist or not. */
export const getContact: Route = {
  meta: {
    summary: "Whether a user is one of your contacts",
    answers: { 200: oneUser },
    codes: ["bad_request", "invalid_recipient", "not_found"],
  },
  handle: async (call) => {
    const other = otherOf(call);
    if (!(await call.store.isContact(call.session, other)))
      throw new ChatError("not_found", "There is no such contact");
    return jsonResponse(200, JSON.stringify({ user: other }));
  },
};

/** `PUT /contacts/{user}`: 204, also where they are one already. */
export const putContact: Route = {
  meta: { summary: "Add a contact", answers: { 204: null }, codes: ["bad_request", "invalid_recipient", "too_large"] },
  units: costs.relate,
  handle: async (call) => {
    const other = otherOf(call);
    await allow(call, [other]);
    await call.store.relate(call.session, [{ other, contact: true }]);
  },
};

/** `DELETE /contacts/{user}`: 204, also where they were none. */
export const deleteContact: Route = {
  meta: { summary: "Remove a contact", answers: { 204: null }, codes: ["bad_request", "invalid_recipient"] },
  units: costs.relate,
  handle: changeRelation({ contact: false }),
};

/** `POST /contacts`: several at once, all or none; 204. */
export const postContacts: Route = {
  meta: {
    summary: "Add several contacts, all or none",
    body: bodyOf,
    answers: { 204: null },
    codes: ["bad_request", "invalid_recipient", "too_large"],
  },
  units: costs.relate,
  handle: async (call) => {
    const { request, session, store, limits, spend } = call;
    const body = await readBody({ request, limits }, bodyOf(limits));
    const users = [...new Set(body.users)];
    if (users.includes(session.user)) throw new ChatError("invalid_recipient", "You cannot be a contact of yourself");
    spend(costs.related * users.length);
    await allow(call, users);
    await store.relate(
      session,
      users.map((other) => ({ other, contact: true })),
    );
  },
};

/** `GET /blocks`: the users that the asker has blocked, by name; `next` is the name to go on after. */
export const getBlocks: Route = {
  meta: {
    summary: "The users that you have blocked, by name",
    parameters: peopleParameters,
    answers: { 200: blockPage },
    codes: ["bad_request"],
  },
  handle: (call) => listPeople(call, "blocked"),
};

/** `PUT /blocks/{user}`: 204; from then on no message of that user is accepted, and neither sees the presence of the other. */
export const putBlock: Route = {
  meta: { summary: "Block a user", answers: { 204: null }, codes: ["bad_request", "invalid_recipient", "too_large"] },
  units: costs.relate,
  handle: changeRelation({ blocked: true }),
};

/** `DELETE /blocks/{user}`: 204, also where there was none. */
export const deleteBlock: Route = {
  meta: { summary: "Unblock a user", answers: { 204: null }, codes: ["bad_request", "invalid_recipient"] },
  units: costs.relate,
  handle: changeRelation({ blocked: false }),
};
