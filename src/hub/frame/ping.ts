import type { Handler } from "./handler.ts";

/** Answers a client that cannot see WebSocket pongs. */
export const ping: Handler<"ping", "health"> = ({ health }, frame) => {
  health.requirePongs();
  return { type: "pong", ...(frame.id === undefined ? {} : { id: frame.id }) };
};
