import { ChatError } from "../../error.ts";
import { bytesCost, costs } from "../../protocol/costs.ts";
import { encodeChange } from "../../protocol/encode.ts";
import { messagePage } from "../answer-schema.ts";
import { answer, type Route } from "../call.ts";
import { encodeNext, messageParameters, readSelectors } from "../selectors.ts";

/** `GET /messages`: what a query selects, oldest first. Marks nothing as delivered. */
export const getMessages: Route = {
  about: {
    summary: "The messages that a query selects, oldest first; without a selector those that the device has not got",
    parameters: messageParameters,
    answers: { 200: messagePage },
    codes: ["bad_request", "not_found"],
  },
  units: costs.page,
  handle: async ({ request, session, store, limits, spend }) => {
    const { query, selectors } = readSelectors(request.url, { limits, cursors: store.cursors });
    const page = await store.history(session, query);
    if (page === null) throw new ChatError("not_found", "There is no such conversation");
    const { messages, more, next, cursor } = page;
    spend(messages.reduce((sum, { text }) => sum + costs.row + bytesCost(text.length), 0));
    const list = messages.map((message) => encodeChange({ kind: "message", ...message })).join(",");
    const rest = JSON.stringify({
      more,
      // The list that can be confirmed goes on by being confirmed.
      ...(cursor
        ? { cursor: store.cursors.encode({ n: cursor.n, isList: true }) }
        : next && { next: encodeNext(selectors, next, store.cursors) }),
    });
    return answer(200, `{"messages":[${list}],${rest.slice(1)}`);
  },
};
