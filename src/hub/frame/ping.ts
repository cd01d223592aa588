import type { Handler } from "./handler.ts";

/** Answers a client that cannot see WebSocket pongs. */
export const ping: Handler<"ping"> = (connection, frame) => {
  connection.pings();
  connection.reply({ type: "pong", ...(frame.id === undefined ? {} : { id: frame.id }) });
};
