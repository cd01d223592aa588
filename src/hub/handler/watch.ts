import type { Handler } from "./handler.ts";

/** Tells from now on how these users are; replaces whom the connection watched before. */
export const watch: Handler<"watch"> = (connection, frame, context) => {
  context.presence.watch(connection, frame.users);
};
