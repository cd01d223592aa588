import { bytesCost, costs } from "../../protocol/costs.ts";
import { messagePage } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { readMessages } from "../read-messages.ts";
import { messageParameters, readSelectors } from "../selectors.ts";

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
