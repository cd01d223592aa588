import * as v from "valibot";
import { groupAnswer, requireGroup, requireUsers } from "../../action/group.ts";
import { ChatError } from "../../error.ts";
import { type Role, roles } from "../../model.ts";
import { costs } from "../../protocol/costs.ts";
import { isIdentifier, storedMessageId } from "../../protocol/identifier.ts";
import type { Limits } from "../../protocol/limits.ts";
import { identifier, mark, messageId } from "../../protocol/schema.ts";
import { groupFields } from "../../protocol/server-schema.ts";
import type { GroupView } from "../../store/group/group-store.ts";
import { groupAnswerSchema, groupMemberPage, groupReaderPage } from "../answer-schema.ts";
import { readBody } from "../body.ts";
import { type Call, jsonResponse, type Route } from "../call.ts";
import { readParameters, wholeNumber } from "../parameters.ts";
import type { GroupAction } from "../../access/policy.ts";

const limitDefault = 200;
/** So many members are counted for the price of one that is read. */
const countedPerRow = 100;

const { visibility, history } = groupFields;
const name = v.pipe(v.string(), v.description("One line, not empty"));
// An array would be read as an object.
const data = v.pipe(
  v.any(),
  v.check((value) => !Array.isArray(value)),
  v.record(v.string(), v.unknown()),
  v.description("Data of the app"),
);
const role = v.picklist(roles);
const users = ({ groupAddMax }: Limits) => v.pipe(v.array(identifier), v.metadata({ maxItems: groupAddMax }));

const newGroup = (limits: Limits) =>
  v.strictObject({
    id: v.pipe(messageId, v.description("Made by the client, a canonical UUID: a retry with it makes no second group")),
    name,
    data: v.exactOptional(data),
    visibility: v.exactOptional(visibility),
    history: v.exactOptional(history),
    members: v.exactOptional(users(limits)),
  });
const changedGroup = () =>
  v.strictObject({
    name: v.exactOptional(name),
    data: v.exactOptional(data),
    visibility: v.exactOptional(visibility),
    history: v.exactOptional(history),
    version: v.exactOptional(v.pipe(mark, v.description("Only if the group has this version"))),
  });
const addedMembers = (limits: Limits) => v.strictObject({ users: users(limits) });
const changedMember = () => v.strictObject({ role });

const answers = { 200: groupAnswerSchema };
const codes = ["bad_request", "forbidden", "not_found"] as const;

export const answerOf = (view: GroupView, status = 200): Response =>
  jsonResponse(status, JSON.stringify(groupAnswer(view)));

const noGroup = (): ChatError => new ChatError("not_found", "There is no such group");

/** The asker's role in the group of the path; null: not a member. Rejects where the host's rule refuses. */
export async function allow({ store, session, policy, id }: Call, action: GroupAction): Promise<void> {
  const view = action === "group.create" ? null : await store.groups.view(session, id);
  // The store refuses all others.
  if (view === null && action !== "group.create" && action !== "group.join") return;
  const verdict = await policy.decideGroup(action, session, {
    ...(action !== "group.create" && { conversation: id }),
    ...(view?.role !== undefined && { role: view.role }),
  });
  if (verdict === "forbidden") throw new ChatError("forbidden", "The app does not allow this");
  if (verdict === "unavailable") throw new ChatError("unavailable", "The rule for this cannot be checked now");
}

/** The user in a route's path. */
function memberOf({ second }: Call): string {
  if (!isIdentifier(second)) throw new ChatError("bad_request", "The user in the path is malformed");
  return second;
}

/** `POST /groups`: 201, or 200 for a retry of its id. */
export const postGroup: Route = {
  meta: {
    summary: "Make a group: 201, or 200 for a retry of its id",
    body: newGroup,
    answers: { 200: groupAnswerSchema, 201: groupAnswerSchema },
    codes: ["bad_request", "forbidden", "invalid_recipient", "too_large"],
  },
  units: costs.relate,
  handle: async (call) => {
    const { request, session, store, limits, spend, clock } = call;
    const body = await readBody({ request, limits }, newGroup(limits));
    const { id, members = [], data: of = {}, visibility: seen = "private", history: kept = "joined", ...rest } = body;
    requireGroup({ ...rest, data: of }, limits);
    requireUsers(members, limits);
    spend(costs.related * members.length);
    await allow(call, "group.create");
    const made = { ...rest, id: storedMessageId(id), members, data: of, visibility: seen, history: kept };
    const { view, isNew } = await store.groups.create(session, made, clock.now());
    return answerOf(view, isNew ? 201 : 200);
  },
};

/** `GET /groups/{id}` */
export const getGroup: Route = {
  meta: { summary: "A group that you are a member of", answers, codes: ["not_found"] },
  handle: async ({ id, session, store }) => {
    const view = await store.groups.view(session, id);
    if (view === null) throw noGroup();
    return answerOf(view);
  },
};

/** `PATCH /groups/{id}`: admins change the name and the data, owners all. */
export const patchGroup: Route = {
  meta: {
    summary: "Change a group: admins its name and data, owners all of it",
    body: changedGroup,
    answers,
    codes: [...codes, "conflict", "too_large"],
  },
  units: costs.relate,
  handle: async (call) => {
    const { request, id, session, store, limits, clock } = call;
    const { version, ...change } = await readBody({ request, limits }, changedGroup());
    requireGroup(change, limits);
    await allow(call, "group.update");
    const asked = { ...change, ...(version !== undefined && { version }) };
    return answerOf(await store.groups.update(session, id, asked, clock.now()));
  },
};

const memberParameters = ({ answerRowsMax }: Limits) =>
  v.strictObject({
    limit: v.optional(wholeNumber([1, answerRowsMax], `Members of a page; else: ${limitDefault}`)),
    after: v.optional(v.pipe(identifier, v.description("Goes on after the page whose `next` this was"))),
  });

/** `GET /groups/{id}/members` */
export const getGroupMembers: Route = {
  meta: {
    summary: "The members of a group, in pages",
    parameters: memberParameters,
    answers: { 200: groupMemberPage },
    codes: ["bad_request", "not_found"],
  },
  handle: async ({ request, id, session, store, limits, spend }) => {
    const { limit = limitDefault, after = "" } = readParameters(request.url, memberParameters(limits));
    const page = await store.groups.members(session, id, { after, limit });
    if (page === null) throw noGroup();
    spend(costs.row * page.members.length);
    return jsonResponse(200, JSON.stringify(page));
  },
};

const readerParameters = ({ answerRowsMax }: Limits) =>
  v.strictObject({
    seq: wholeNumber([1, Number.MAX_SAFE_INTEGER], "The message"),
    limit: v.optional(wholeNumber([1, answerRowsMax], `Members to look at for a page; else: ${limitDefault}`)),
    after: v.optional(v.pipe(identifier, v.description("Goes on after the page whose `next` this was"))),
  });

/** `GET /groups/{id}/readers`: for the sender, and in a small group for all members. */
export const getGroupReaders: Route = {
  meta: {
    summary: "How many members have read a message, and which, in pages",
    parameters: readerParameters,
    answers: { 200: groupReaderPage },
    codes: ["bad_request", "forbidden", "not_found"],
  },
  handle: async ({ request, id, session, store, limits, spend }) => {
    const { seq, limit = limitDefault, after = "" } = readParameters(request.url, readerParameters(limits));
    const page = await store.groups.readers(session, id, { seq, after, limit });
    if (page === null) throw noGroup();
    spend(costs.row * limit + (costs.row * page.count) / countedPerRow);
    return jsonResponse(200, JSON.stringify(page));
  },
};

/** `POST /groups/{id}/members`: adds users, by an admin. */
export const postGroupMembers: Route = {
  meta: {
    summary: "Add users to a group; those who are members stay as they are",
    body: addedMembers,
    answers,
    codes: [...codes, "invalid_recipient", "too_large"],
  },
  units: costs.relate,
  handle: async (call) => {
    const { request, id, session, store, limits, spend, clock } = call;
    const { users: asked } = await readBody({ request, limits }, addedMembers(limits));
    requireUsers(asked, limits);
    spend(costs.related * asked.length);
    await allow(call, "group.add");
    return answerOf(await store.groups.add(session, id, asked, clock.now()));
  },
};

/** `PUT /groups/{id}/members/{user}`: sets a role, by an owner. */
export const putGroupMember: Route = {
  meta: {
    ...{ summary: "Set the role of a member, as an owner", body: changedMember, answers },
    codes: [...codes, "too_large"],
  },
  units: costs.relate,
  handle: async (call) => {
    const { request, id, session, store, limits, clock } = call;
    const user = memberOf(call);
    const given: { readonly role: Role } = await readBody({ request, limits }, changedMember());
    await allow(call, "group.role");
    return answerOf(await store.groups.setRole(session, id, { user, role: given.role }, clock.now()));
  },
};

/** `DELETE /groups/{id}/members/{user}`: removes a member, by an admin with a higher role. */
export const deleteGroupMember: Route = {
  meta: { summary: "Remove a member of a lower role", answers, codes },
  units: costs.relate,
  handle: async (call) => {
    const user = memberOf(call);
    await allow(call, "group.remove");
    return answerOf(await call.store.groups.remove(call.session, call.id, user, call.clock.now()));
  },
};

/** `POST /groups/{id}/join`: joins an open group. */
export const postGroupJoin: Route = {
  meta: { summary: "Join an open group", answers, codes: ["forbidden", "not_found"] },
  units: costs.relate,
  handle: async (call) => {
    await allow(call, "group.join");
    return answerOf(await call.store.groups.join(call.session, call.id, call.clock.now()));
  },
};

/** `POST /groups/{id}/leave`: 204. */
export const postGroupLeave: Route = {
  meta: { summary: "Leave a group", answers: { 204: null }, codes: ["forbidden", "not_found"] },
  units: costs.relate,
  handle: async ({ id, session, store, clock }) => await store.groups.leave(session, id, clock.now()),
};
