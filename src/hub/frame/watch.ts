import { errorCodes } from "../../error.ts";
import type { Handler } from "./handler.ts";

const refusal = { type: "error", code: "too_many_watched", message: errorCodes.too_many_watched.meaning } as const;

/** Tells from now on how these users are; replaces whom the connection watched before. */
export const watch: Handler<"watch"> = (connection, frame, context) => {
  const answer = (isTaken: boolean): void => void (isTaken || connection.reply(refusal));
  const isTaken = context.presence.watch(connection, frame.users);
  return isTaken instanceof Promise ? isTaken.then(answer) : answer(isTaken);
};
