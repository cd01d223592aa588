import { decodeCursor } from "../../protocol/cursor.ts";
import type { Handler } from "./handler.ts";

/** Notes what the device has stored. More than was sent on this connection counts as what was sent. */
export const ack: Handler<"ack"> = (connection, frame, { store }) => {
  const cursor = decodeCursor(frame.cursor);
  if (!cursor) {
    connection.reply({ type: "error", code: "bad_frame", message: "The ack's cursor is not one of this server" });
    connection.strike();
    return;
  }
  if (cursor.epoch !== connection.epoch()) return;
  store.ack(connection.session, connection.device, Math.min(cursor.n, connection.position()));
};
