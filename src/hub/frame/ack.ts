import { isCursor } from "../../protocol/cursor.ts";
import type { Handler } from "./handler.ts";

/** Notes what the device has stored. More than was sent on this connection counts as what was sent. */
export const ack: Handler<"ack"> = (connection, frame, { store }) => {
  if (!isCursor(frame.cursor)) {
    connection.reply({ type: "error", code: "bad_frame", message: "The ack's cursor is not one of this server" });
    connection.strike();
    return;
  }
  const cursor = store.cursors.decode(frame.cursor);
  // Of another history.
  if (cursor === null) return;
  const n = Math.min(cursor.n, connection.position());
  if (cursor.isList) store.ackList(connection.session, connection.device, n);
  else store.ack(connection.session, connection.device, { ...cursor, n });
};
