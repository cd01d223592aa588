import { isCursor } from "../../protocol/cursor.ts";
import type { Handler } from "./handler.ts";

/** Notes what the device has stored. A cursor beyond the frames that this connection was sent counts as the last of them. */
export const ack: Handler<"ack", "session" | "device" | "outgoing"> = (connection, frame, { store }) => {
  if (!isCursor(frame.cursor))
    return { type: "error", code: "bad_frame", message: "The ack's cursor is not one of this server" };
  const cursor = store.cursors.decode(frame.cursor);
  // Of another history.
  if (cursor === null) return undefined;
  const n = Math.min(cursor.n, connection.outgoing.position());
  if (cursor.isList) store.ackList(connection.session, connection.device, n);
  else store.ack(connection.session, connection.device, { ...cursor, n, isQuiet: !connection.outgoing.acks(n) });
  return undefined;
};
