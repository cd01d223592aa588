import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { bytesCost, costs } from "../../protocol/costs.ts";
import type { Cursors } from "../../protocol/cursor.ts";
import { encodeChange } from "../../protocol/encode.ts";
import type { Conversation } from "../../model.ts";
import { newest } from "../../store/history.ts";
import type { Limits } from "../../protocol/limits.ts";
import { conversationPage } from "../answer-schema.ts";
import { answer, type Route } from "../call.ts";
import { readParameters, wholeNumber } from "../parameters.ts";

const limitDefault = 50;

const opaquePlace = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,256}$/),
  v.description("Goes on after the page whose `next` this was"),
);
/** Tells a place in the list of conversations from whatever else was sealed. */
const prefix = "conversations ";

function placeOf(after: string, cursors: Cursors): number {
  const [, digits] = /^conversations ([1-9][0-9]{0,15})$/.exec(cursors.unseal(after) ?? "") ?? [];
  if (digits === undefined) throw new ChatError("bad_request", "The parameter after is malformed");
  return Number(digits);
}

const parameters = ({ answerRowsMax }: Limits) =>
  v.strictObject({
    limit: v.optional(wholeNumber(1, answerRowsMax, `Conversations of a page; else: ${limitDefault}`)),
    after: v.optional(opaquePlace),
  });

/** `GET /conversations`: those with a message, newest activity first. `next` names the last one's place by its activity. */
export const getConversations: Route = {
  about: {
    summary: "Your conversations, newest activity first",
    parameters,
    answers: { 200: conversationPage },
    codes: ["bad_request"],
  },
  units: costs.conversations,
  handle: async ({ request, session, store, limits, spend }) => {
    const { limit, after } = readParameters(request.url, parameters(limits));
    const page = await store.conversations(session, {
      below: after === undefined ? newest : placeOf(after, store.cursors),
      limit: limit ?? limitDefault,
    });
    const { conversations, counted } = page;
    spend(costs.counted * counted);
    spend(conversations.reduce((sum, { lastMessage: { text } }) => sum + 4 * costs.row + bytesCost(text.length), 0));
    const list = page.conversations.map(encodeConversation).join(",");
    const next = page.next === undefined ? "" : `,"next":"${store.cursors.seal(`${prefix}${page.next}`)}"`;
    return answer(200, `{"conversations":[${list}]${next}}`);
  },
};

function encodeConversation({ lastMessage, with: other, id, unread, delivered, read, peer }: Conversation): string {
  const head = JSON.stringify({ id, kind: "direct", with: other });
  const rest = JSON.stringify({ unread, delivered, read, peer });
  return `${head.slice(0, -1)},"lastMessage":${encodeChange({ kind: "message", ...lastMessage })},${rest.slice(1)}`;
}
