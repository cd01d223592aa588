import * as v from "valibot";
import { hashOfInvite, invitesAnswer, makeInvite } from "../../action/invite.ts";
import { ChatError } from "../../error.ts";
import { costs } from "../../protocol/costs.ts";
import { isMessageId, storedMessageId } from "../../protocol/identifier.ts";
import type { Limits } from "../../protocol/limits.ts";
import { identifier } from "../../protocol/schema.ts";
import { groupAnswerSchema, groupInvitePage, newInviteAnswer } from "../answer-schema.ts";
import { readBody } from "../body.ts";
import { jsonResponse, type Route } from "../call.ts";
import { readParameters, wholeNumber } from "../parameters.ts";
import { allow, answerOf } from "./groups.ts";

const limitDefault = 200;

const upTo = (most: number, description: string) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(most), v.description(description));

const newInvite = ({ groupInviteMs, groupInviteMsMax, groupInviteUsesMax }: Limits) =>
  v.strictObject({
    expiresIn: v.exactOptional(
      upTo(groupInviteMsMax / 1_000, `How many seconds it is valid; default: ${groupInviteMs / 1_000}`),
    ),
    uses: v.exactOptional(upTo(groupInviteUsesMax, "How many users may join by it; default: 1")),
  });

/** `POST /groups/{id}/invites`: by an admin. The token is in this answer alone. */
export const postGroupInvite: Route = {
  meta: {
    ...{ summary: "Make an invitation into a group, as an admin", body: newInvite, isBodyOptional: true },
    answers: { 201: newInviteAnswer },
    codes: ["bad_request", "forbidden", "not_found", "too_large"],
  },
  units: costs.relate,
  handle: async (call) => {
    const { request, id, session, store, limits, clock, random } = call;
    const given =
      request.headers.get("content-type") === null
        ? {}
        : ((await readBody({ request, limits }, newInvite(limits), { isOptional: true })) ?? {});
    await allow(call, "group.invite");
    const asked = { ...given, actor: session, group: id, now: clock.now() };
    const made = await makeInvite({ groups: store.groups, random, limits }, asked);
    return jsonResponse(201, JSON.stringify(made));
  },
};

const inviteParameters = ({ answerRowsMax }: Limits) =>
  v.strictObject({
    limit: v.optional(wholeNumber([1, answerRowsMax], `Invitations of a page; else: ${limitDefault}`)),
    after: v.optional(v.pipe(identifier, v.description("Goes on after the page whose `next` this was"))),
  });

/** `GET /groups/{id}/invites`: those that can be used, for admins. */
export const getGroupInvites: Route = {
  meta: {
    summary: "The invitations into a group that can be used, in pages, for admins",
    parameters: inviteParameters,
    answers: { 200: groupInvitePage },
    codes: ["bad_request", "forbidden", "not_found"],
  },
  handle: async ({ request, id, session, store, limits, spend, clock }) => {
    const { limit = limitDefault, after = "" } = readParameters(request.url, inviteParameters(limits));
    const page = await store.groups.invites(session, id, { after, limit, now: clock.now() });
    spend(costs.row * page.invites.length);
    return jsonResponse(200, JSON.stringify(invitesAnswer(page)));
  },
};

/** `DELETE /groups/{id}/invites/{invite}`: 204, also where there is none. */
export const deleteGroupInvite: Route = {
  meta: {
    ...{ summary: "Revoke an invitation, as an admin", answers: { 204: null } },
    codes: ["bad_request", "forbidden", "not_found"],
  },
  units: costs.relate,
  handle: async ({ id, second, session, store }) => {
    if (!isMessageId(second)) throw new ChatError("bad_request", "The invitation in the path is malformed");
    await store.groups.revokeInvite(session, id, storedMessageId(second));
  },
};

/** `POST /invites/{token}/join`: joins the group of an invitation. */
export const postInviteJoin: Route = {
  meta: {
    ...{ summary: "Join a group by an invitation", answers: { 200: groupAnswerSchema } },
    codes: ["forbidden", "not_found"],
  },
  units: costs.relate,
  handle: async (call) => {
    const { id: token, session, store, clock } = call;
    const hash = await hashOfInvite(token);
    const group = hash === null ? null : await store.groups.invited(session, hash, clock.now());
    if (hash === null || group === null) throw new ChatError("not_found", "There is no such invitation");
    await allow({ ...call, id: group }, "group.join");
    return answerOf(await store.groups.joinInvited(session, hash, clock.now()));
  },
};
