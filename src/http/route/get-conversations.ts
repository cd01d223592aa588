import { bytesCost, costs } from "../../protocol/costs.ts";
import { conversationPage } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { readParameters } from "../parameters.ts";
import { conversationParameters, readConversations } from "../read-conversations.ts";

/** `GET /conversations`: those with a message, newest activity first. `next` names the last one's place by its activity. */
export const getConversations: Route = {
  meta: {
    summary: "Your conversations, newest activity first",
    parameters: conversationParameters,
    answers: { 200: conversationPage },
    codes: ["bad_request"],
  },
  units: costs.conversations,
  handle: async ({ request, session, store, limits, spend }) => {
    const asked = readParameters(request.url, conversationParameters(limits));
    const { page, counted } = await readConversations(store, session, asked);
    spend(costs.counted * counted);
    spend(
      page.conversations.reduce((sum, { lastMessage: { text } }) => sum + 4 * costs.row + bytesCost(text.length), 0),
    );
    return jsonResponse(200, JSON.stringify(page));
  },
};
