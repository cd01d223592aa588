import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { isIdentifier } from "../../protocol/identifier.ts";
import { readBody } from "../body.ts";
import { answer, type Call, type Route } from "../call.ts";
import { listPeople, otherOf } from "../people.ts";

const user = v.pipe(
  v.string(),
  v.check((name: string) => isIdentifier(name)),
);

/** Whether the host lets the asker keep all of these; where it does not, nothing is kept. */
async function allow({ session, policy }: Call, users: readonly string[]): Promise<void> {
  for (const to of users) {
    const verdict = await policy.decide("contact", session, { to });
    if (verdict === "forbidden") throw new ChatError("forbidden", "One of the users may not be a contact");
    if (verdict === "unavailable") throw new ChatError("unavailable", "It cannot be checked now who may be a contact");
  }
}

/** `GET /contacts`: in the order of their names; `next` is the name to go on after. */
export const getContacts: Route = (call) => listPeople(call, "contact", "contacts");

/** `GET /contacts/{user}`: 200 for a contact, 404 for anybody else, whether they exist or not. */
export const getContact: Route = async (call) => {
  const other = otherOf(call);
  if (!(await call.store.isContact(call.session, other))) throw new ChatError("not_found", "There is no such contact");
  return answer(200, JSON.stringify({ user: other }));
};

/** `PUT /contacts/{user}`: 204, also where they are one already. */
export const putContact: Route = async (call) => {
  const other = otherOf(call);
  await allow(call, [other]);
  await call.store.relate(call.session, [{ other, contact: true }]);
  return answer(204, null);
};

/** `DELETE /contacts/{user}`: 204, also where they were none. */
export const deleteContact: Route = async (call) => {
  await call.store.relate(call.session, [{ other: otherOf(call), contact: false }]);
  return answer(204, null);
};

/** `POST /contacts`: several at once, all or none; 204. */
export const postContacts: Route = async (call) => {
  const { request, session, store, limits } = call;
  const schema = v.strictObject({
    users: v.pipe(v.array(user), v.minLength(1), v.maxLength(limits.contactsAtOnceMax)),
  });
  const body = await readBody(request, schema, limits.frameBytesMax);
  const users = [...new Set(body.users)];
  if (users.includes(session.user)) throw new ChatError("invalid_recipient", "Nobody is a contact of themselves");
  await allow(call, users);
  await store.relate(
    session,
    users.map((other) => ({ other, contact: true })),
  );
  return answer(204, null);
};
