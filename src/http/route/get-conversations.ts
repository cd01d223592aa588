import * as v from "valibot";
import { encodeChange } from "../../protocol/encode.ts";
import type { Conversation } from "../../model.ts";
import { newest } from "../../store/history.ts";
import { answer, type Route } from "../call.ts";
import { readParameters, wholeNumber } from "../parameters.ts";

const limitDefault = 50;

const place = v.pipe(
  v.string(),
  v.regex(/^[1-9a-z][0-9a-z]{0,10}$/),
  v.transform((text) => parseInt(text, 36)),
  v.safeInteger(),
);

/** `GET /conversations`: those with a message, newest activity first. `next` names the last one's place by its activity. */
export const getConversations: Route = async ({ request, session, store, limits }) => {
  const { limit, after } = readParameters(
    request.url,
    v.strictObject({ limit: v.optional(wholeNumber(1, limits.answerRowsMax)), after: v.optional(place) }),
  );
  const page = await store.conversations(session, { below: after ?? newest, limit: limit ?? limitDefault });
  const list = page.conversations.map(encodeConversation).join(",");
  const next = page.next === undefined ? "" : `,"next":"${page.next.toString(36)}"`;
  return answer(200, `{"conversations":[${list}]${next}}`);
};

function encodeConversation({ lastMessage, with: other, id, unread, delivered, read, peer }: Conversation): string {
  const head = JSON.stringify({ id, kind: "direct", with: other });
  const rest = JSON.stringify({ unread, delivered, read, peer });
  return `${head.slice(0, -1)},"lastMessage":${encodeChange({ kind: "message", ...lastMessage })},${rest.slice(1)}`;
}
