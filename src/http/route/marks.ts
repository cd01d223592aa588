import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { isCursor } from "../../protocol/cursor.ts";
import { defaultDevice } from "../../protocol/identifier.ts";
import { cursor, identifier, mark, namedMessageId } from "../../protocol/schema.ts";
import { readBody } from "../body.ts";
import type { Route } from "../call.ts";
import type { Settle } from "../../store/store.ts";
import { requireConversation } from "../../action/conversation.ts";

const ackBody = v.strictObject({ device: v.optional(identifier, defaultDevice), cursor });
const readMark = v.strictObject({ seq: mark, id: v.optional(namedMessageId) });

/** Resolves once the mark that `note` notes is on disk. */
async function confirm(what: "ack" | "mark", note: (settle: Settle) => void): Promise<void> {
  if (!(await new Promise<boolean>(note)))
    throw new ChatError("unavailable", `The store did not confirm the ${what}: send it again`);
}

/**
 * `POST /ack`: the ack of clients without a socket; 204 once it is on disk. For an unknown device its start is
 * stored first. A cursor of another history is ignored, as on a socket; one beyond the head counts as the head.
 */
export const postAck: Route = {
  meta: {
    summary: "The device has stored everything up to this cursor",
    body: () => ackBody,
    answers: { 204: null },
    codes: ["bad_request", "too_large"],
  },
  handle: async ({ request, session, store, limits }) => {
    const { device, cursor: text } = await readBody({ request, limits }, ackBody);
    if (!isCursor(text)) throw new ChatError("bad_request", "The body is malformed at cursor");
    const at = store.cursors.decode(text);
    const { head } = await store.openDevice(session, device, { after: at?.n, level: at?.level });
    if (at === null) return;
    // The device cannot have entries from after this request.
    const n = Math.min(at.n, head.n);
    const ack = at.isList ? store.ackList : store.ack;
    await confirm("ack", (settle) => ack(session, device, { ...at, n }, settle));
  },
};

/**
 * `POST /conversations/{id}/read`: as the socket's `read`; 204 once it is on disk. `id`: of the message that was seen there; where another message has
 * its `seq`, as after a restore, nothing is marked.
 */
export const postRead: Route = {
  meta: {
    summary: "Mark the conversation as read up to this message",
    body: () => readMark,
    answers: { 204: null },
    codes: ["bad_request", "too_large", "not_found"],
  },
  handle: async ({ request, session, store, limits, id }) => {
    const { seq, id: seen } = await readBody({ request, limits }, readMark);
    await requireConversation(store, { asker: session, conversation: id });
    if (seen !== undefined && (await store.messageAt(id, seq)) !== seen) return;
    await confirm("mark", (settle) => store.read(session, id, seq, settle));
  },
};
