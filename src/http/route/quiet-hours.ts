import { parseQuietHours, quietHours } from "../../protocol/quiet-hours.ts";
import { quietHoursAnswer } from "../answer-schema.ts";
import { readBody } from "../body.ts";
import { jsonResponse, type Route } from "../call.ts";

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
    const hours = await readBody(request, quietHours, { bytesMax: limits.frameBytesMax });
    await store.devices.setQuietHours(session, JSON.stringify(hours));
  },
};

/** `DELETE /quiet-hours`: 204, also where there were none. */
export const deleteQuietHours: Route = {
  meta: { summary: "Be notified at any hour", answers: { 204: null }, codes: [] },
  handle: async ({ session, store }) => await store.devices.setQuietHours(session, null),
};
