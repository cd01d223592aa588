import * as v from "valibot";
import { bytesCost, costs } from "../../protocol/costs.ts";
import { messagePage } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { readMessages } from "../read-messages.ts";
import { messageParameters, readSelectors } from "../selectors.ts";
import { appendMessage, storedMentions, orThrow, validateSend } from "../../action/send.ts";
import { sendFields } from "../../protocol/client-schema.ts";
import { hasOneTarget, oneTarget } from "../../protocol/schema.ts";
import { placedMessage } from "../../protocol/server-schema.ts";
import { readBody } from "../body.ts";
import { tooOften } from "../../protocol/problem.ts";

/** `GET /messages`: the messages that a query selects, oldest first. Marks nothing as delivered. */
export const getMessages: Route = {
  meta: {
    summary:
      "The messages that a query selects, oldest first; without a selector those that the device has not received",
    parameters: messageParameters,
    answers: { 200: messagePage },
    codes: ["bad_request", "not_found"],
  },
  units: costs.page,
  handle: async ({ request, session, store, limits, spend }) => {
    const asked = readSelectors(request.url, { limits, cursors: store.cursors });
    const page = await readMessages(store, session, asked);
    spend(page.messages.reduce((sum, { text }) => sum + costs.row + bytesCost(text.length), 0));
    return jsonResponse(200, JSON.stringify(page));
  },
};

const schema = v.pipe(v.strictObject(sendFields), hasOneTarget(), oneTarget());

/** `POST /messages`: sends a message like all others. 201, or 200 for a retry. */
export const postMessage: Route = {
  meta: {
    summary: "Send a message: 201, or 200 with the first answer for a retry of its id",
    body: () => schema,
    answers: { 200: placedMessage, 201: placedMessage },
    codes: ["bad_request", "too_large", "invalid_recipient", "not_found", "blocked", "conflict"],
  },
  handle: async ({ request, session, store, policy, limits, retryAfterMs }) => {
    const { id, to, conversation = "", text, mentions } = await readBody({ request, limits }, schema);
    const { tenant, user } = session;
    const fault = validateSend({ to, text, mentions }, limits);
    if (fault) throw fault;
    const target = to === undefined ? { conversation } : { to };
    const mentioned = mentions === undefined ? {} : { mentions: storedMentions(mentions) };
    const waitMs = retryAfterMs(text.length);
    const verdict = waitMs > 0 ? "rate_limited" : await policy.decide("send", session, { ...target, ...mentioned });
    const refusal = verdict === "allowed" ? undefined : verdict;
    const outcome = await appendMessage(store, {
      ...{ tenant, from: user, id, ...target, text, refusal },
      ...mentioned,
    });
    if (outcome.type === "refused" && outcome.code === "rate_limited") return tooOften(waitMs);
    const { conversation: place, seq, time, duplicate } = orThrow(outcome);
    return jsonResponse(duplicate ? 200 : 201, JSON.stringify({ id, conversation: place, seq, time, duplicate }));
  },
};
