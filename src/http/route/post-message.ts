import * as v from "valibot";
import { appendMessage, orThrow, validateSend } from "../../action/send.ts";
import { sendFields } from "../../protocol/client-schema.ts";
import { hasOneTarget, oneTarget } from "../../protocol/schema.ts";
import { placedMessage } from "../../protocol/server-schema.ts";
import { readBody } from "../body.ts";
import { jsonResponse, type Route } from "../call.ts";
import { tooOften } from "../../protocol/problem.ts";

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
    const { id, to, conversation = "", text } = await readBody(request, schema, { bytesMax: limits.frameBytesMax });
    const { tenant, user } = session;
    const fault = validateSend({ from: user, to, text }, limits);
    if (fault) throw fault;
    const target = to === undefined ? { conversation } : { to };
    const waitMs = retryAfterMs(text.length);
    const verdict = waitMs > 0 ? "rate_limited" : await policy.decide("send", session, target);
    const refusal = verdict === "allowed" ? undefined : verdict;
    const outcome = await appendMessage(store, { tenant, from: user, id, ...target, text, refusal });
    if (outcome.type === "refused" && outcome.code === "rate_limited") return tooOften(waitMs);
    const { conversation: place, seq, time, duplicate } = orThrow(outcome);
    return jsonResponse(duplicate ? 200 : 201, JSON.stringify({ id, conversation: place, seq, time, duplicate }));
  },
};
