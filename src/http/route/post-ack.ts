import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { decodeCursor } from "../../protocol/cursor.ts";
import { isIdentifier } from "../../protocol/identifier.ts";
import { readBody } from "../body.ts";
import { answer, type Route } from "../call.ts";

const schema = v.strictObject({
  device: v.optional(
    v.pipe(
      v.string(),
      v.check((device: string) => isIdentifier(device)),
    ),
    "default",
  ),
  cursor: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
});

/**
 * `POST /ack`: the ack of clients without a socket; 204 once it is on disk. A device never seen before gets its start
 * stored first. A cursor of another history is ignored, as on a socket; one beyond the head is one of the head.
 */
export const postAck: Route = async ({ request, session, store, limits }) => {
  const { device, cursor: text } = await readBody(request, schema, limits.frameBytesMax);
  const cursor = decodeCursor(text);
  if (cursor === null) throw new ChatError("bad_request", "The body is malformed at cursor");
  const { head } = await store.openDevice(session, device);
  if (cursor.epoch !== head.epoch) return answer(204, null);
  // What comes while this one waits has not been seen by anybody.
  const n = Math.min(cursor.n, head.n);
  const isStored = await new Promise<boolean>((resolve) => store.ack(session, device, n, resolve));
  if (!isStored) throw new ChatError("unavailable", "The store did not confirm the ack: send it again");
  return answer(204, null);
};
