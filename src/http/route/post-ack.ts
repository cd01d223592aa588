import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { isCursor } from "../../protocol/cursor.ts";
import { defaultDevice } from "../../protocol/identifier.ts";
import { cursor, identifier } from "../../protocol/schema.ts";
import { readBody } from "../body.ts";
import type { Route } from "../call.ts";

const schema = v.strictObject({
  device: v.optional(identifier, defaultDevice),
  cursor,
});

/**
 * `POST /ack`: the ack of clients without a socket; 204 once it is on disk. For an unknown device its start is
 * stored first. A cursor of another history is ignored, as on a socket; one beyond the head counts as the head.
 */
export const postAck: Route = {
  meta: {
    summary: "The device has stored everything up to this cursor",
    body: () => schema,
    answers: { 204: null },
    codes: ["bad_request", "too_large"],
  },
  handle: async ({ request, session, store, limits }) => {
    const { device, cursor: text } = await readBody(request, schema, { bytesMax: limits.frameBytesMax });
    if (!isCursor(text)) throw new ChatError("bad_request", "The body is malformed at cursor");
    const at = store.cursors.decode(text);
    const { head } = await store.openDevice(session, device, { after: at?.n, level: at?.level });
    if (at === null) return;
    // The device cannot have entries from after this request.
    const n = Math.min(at.n, head.n);
    const ack = at.isList ? store.ackList : store.ack;
    const isStored = await new Promise<boolean>((resolve) => ack(session, device, { ...at, n }, resolve));
    if (!isStored) throw new ChatError("unavailable", "The store did not confirm the ack: send it again");
  },
};
