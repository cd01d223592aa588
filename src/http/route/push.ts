import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { explainPush } from "../../push/explain.ts";
import { costs } from "../../protocol/costs.ts";
import { identifier, namedMessageId } from "../../protocol/schema.ts";
import { pushExplanations, pushProviders } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { readParameters } from "../parameters.ts";

/** `GET /push`: the providers of this server, each with the fields that a client needs to register. */
export const getPush: Route = {
  meta: { summary: "How devices can be notified", answers: { 200: pushProviders }, codes: [] },
  handle: async ({ push: { providers } }) => {
    const list = providers.map(({ name, public: known }) => ({ ...known, name }));
    return jsonResponse(200, JSON.stringify({ providers: list }));
  },
};

const parameters = () =>
  v.strictObject({
    message: namedMessageId,
    for: v.optional(v.pipe(identifier, v.description("The recipient, where the host asks; else: you"))),
  });

/**
 * `GET /push/explain`: why the devices of a user were, or were not, notified of a message to them. Users may ask about
 * themselves; the host (`isHost` in the proof of `authenticate`) about all users of its tenant.
 */
export const getPushExplain: Route = {
  meta: {
    summary: "Why your devices were, or were not, notified of a message",
    parameters,
    answers: { 200: pushExplanations },
    codes: ["bad_request", "not_found"],
  },
  units: costs.page,
  handle: async ({ request, session, store, spend }) => {
    const { message, for: user = session.user } = readParameters(request.url, parameters());
    const isAllowed = user === session.user || session.isHost === true;
    const found = isAllowed ? await explainPush(store.push, { tenant: session.tenant, user, id: message }) : [];
    spend(found.reduce((sum, { decisions }) => sum + costs.row * decisions.length, 0));
    // A message by the asker, one to another user, and one that does not exist get the same answer.
    if (found.length === 0) throw new ChatError("not_found", "There is no such message to that user");
    return jsonResponse(200, JSON.stringify({ messages: found }));
  },
};
