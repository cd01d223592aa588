import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { noConversation } from "../../action/conversation.ts";
import { costs } from "../../protocol/costs.ts";
import { listedConversation, listedGroup } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";
import { conversationCost, readListed } from "../read-conversations.ts";

/** `GET /conversations/{id}`: one conversation as the list has it. */
export const getConversation: Route = {
  meta: {
    summary: "One of your conversations, as the list has it",
    answers: { 200: v.union([listedConversation, listedGroup]) },
    codes: ["not_found"],
  },
  units: costs.conversations,
  handle: async ({ id, session, store, spend }) => {
    const found = await readListed(store, { asker: session, conversation: id });
    spend(conversationCost(found));
    const [conversation] = found.page.conversations;
    if (conversation === undefined) throw new ChatError(noConversation.code, noConversation.message);
    return jsonResponse(200, JSON.stringify(conversation));
  },
};
