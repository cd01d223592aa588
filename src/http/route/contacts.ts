import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { costs } from "../../protocol/costs.ts";
import type { Limits } from "../../protocol/limits.ts";
import { identifier } from "../../protocol/schema.ts";
import { contactPage, oneUser } from "../answer-schema.ts";
import { readBody } from "../body.ts";
import { jsonResponse, type Call, type Route } from "../call.ts";
import { changeRelation, listPeople, otherOf, peopleParameters } from "../people.ts";

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
    const body = await readBody(request, bodyOf(limits), { bytesMax: limits.frameBytesMax });
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
