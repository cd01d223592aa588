import { costs } from "../../protocol/costs.ts";
import { conversationPage } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { readParameters } from "../parameters.ts";
import { conversationCost, listParameters, readList } from "../read-conversations.ts";

/** `GET /conversations`: those with a message, newest activity first. `next` names the last one's place by its activity. */
export const getConversations: Route = {
  meta: {
    summary: "Your conversations, newest activity first",
    parameters: listParameters,
    answers: { 200: conversationPage },
    codes: ["bad_request"],
  },
  units: costs.conversations,
  handle: async ({ request, session, store, limits, spend }) => {
    const asked = readParameters(request.url, listParameters(limits));
    const found = await readList(store, session, asked);
    spend(conversationCost(found));
    return jsonResponse(200, JSON.stringify(found.page));
  },
};
