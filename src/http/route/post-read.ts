import * as v from "valibot";
import { requireConversation } from "../../action/conversation.ts";
import { ChatError } from "../../error.ts";
import { mark, namedMessageId } from "../../protocol/schema.ts";
import { readBody } from "../body.ts";
import type { Route } from "../call.ts";

const schema = v.strictObject({ seq: mark, id: v.optional(namedMessageId) });

/**
 * `POST /conversations/{id}/read`: as the socket's `read`; 204 once it is on disk. `id`: of the message that was seen there; where another message has
 * its `seq`, as after a restore, nothing is marked.
 */
export const postRead: Route = {
  meta: {
    summary: "Mark the conversation as read up to this message",
    body: () => schema,
    answers: { 204: null },
    codes: ["bad_request", "too_large", "not_found"],
  },
  handle: async ({ request, session, store, limits, id }) => {
    const { seq, id: seen } = await readBody(request, schema, { bytesMax: limits.frameBytesMax });
    await requireConversation(store, { asker: session, conversation: id });
    if (seen !== undefined && (await store.messageAt(id, seq)) !== seen) return;
    const isStored = await new Promise<boolean>((resolve) => store.read(session, id, seq, resolve));
    if (!isStored) throw new ChatError("unavailable", "The store did not confirm the mark: send it again");
  },
};
