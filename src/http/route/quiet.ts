import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { noConversation, requireConversation } from "../../action/conversation.ts";
import { mark } from "../../protocol/schema.ts";
import { readBody } from "../body.ts";
import { mute, quietHoursAnswer } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { parseQuietHours, quietHours } from "../../protocol/quiet-hours.ts";

const schema = v.strictObject({
  until: v.exactOptional(v.pipe(mark, v.description("Milliseconds since the Unix epoch; absent: for good"))),
});

export const getMute: Route = {
  meta: { summary: "Whether you have muted the conversation", answers: { 200: mute }, codes: ["not_found"] },
  handle: async (call) => {
    await requireConversation(call.store, { asker: call.session, conversation: call.id });
    const until = await call.store.devices.mutedUntil(call.session, call.id, call.clock.now());
    const said = until === null ? { muted: false } : until === "forever" ? { muted: true } : { muted: true, until };
    return jsonResponse(200, JSON.stringify(said));
  },
};

/** `PUT /conversations/{id}/mute`: until a time, or for good. 204. */
export const putMute: Route = {
  meta: {
    summary: "Mute the conversation",
    body: () => schema,
    answers: { 204: null },
    codes: ["bad_request", "too_large", "not_found"],
  },
  handle: async (call) => {
    const { until = "forever" } = await readBody(call, schema);
    await requireConversation(call.store, { asker: call.session, conversation: call.id });
    // A database that has gone back may no longer have a conversation whose members are cached.
    if (!(await call.store.devices.mute(call.session, call.id, until)))
      throw new ChatError(noConversation.code, noConversation.message);
  },
};

/** `DELETE /conversations/{id}/mute`: 204, also where it was not muted. */
export const deleteMute: Route = {
  meta: { summary: "Unmute the conversation", answers: { 204: null }, codes: ["not_found"] },
  handle: async (call) => {
    await requireConversation(call.store, { asker: call.session, conversation: call.id });
    await call.store.devices.mute(call.session, call.id, null);
  },
};

export const getQuietHours: Route = {
  meta: { summary: "When you do not want to be notified", answers: { 200: quietHoursAnswer }, codes: [] },
  handle: async ({ session, store }) => {
    const text = await store.devices.quietHours(session);
    return jsonResponse(200, JSON.stringify({ quietHours: text === null ? null : parseQuietHours(text) }));
  },
};

/** `PUT /quiet-hours`: every day from one time of day until another one, in a time zone. Messages of that time are notified when they end. 204. */
export const putQuietHours: Route = {
  meta: {
    summary: "Say when you do not want to be notified",
    body: () => quietHours,
    answers: { 204: null },
    codes: ["bad_request", "too_large"],
  },
  handle: async ({ request, session, store, limits }) => {
    const hours = await readBody({ request, limits }, quietHours);
    await store.devices.setQuietHours(session, JSON.stringify(hours));
  },
};

/** `DELETE /quiet-hours`: 204, also where there were none. */
export const deleteQuietHours: Route = {
  meta: { summary: "Be notified at any hour", answers: { 204: null }, codes: [] },
  handle: async ({ session, store }) => await store.devices.setQuietHours(session, null),
};
