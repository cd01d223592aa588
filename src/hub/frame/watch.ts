import { errorCodes } from "../../error.ts";
import type { Handled, Handler } from "./handler.ts";

const refusal = { type: "error", code: "too_many_watched", message: errorCodes.too_many_watched.meaning } as const;

/** Sends the presence of these users from now on; replaces those that the connection watched before. */
export const watch: Handler<"watch", "session" | "isOpen" | "outgoing"> = (connection, frame, { presence }) => {
  const answer = (isTaken: boolean): Handled => (isTaken ? undefined : refusal);
  const isTaken = presence.watch(connection, frame.users);
  return isTaken instanceof Promise ? isTaken.then(answer) : answer(isTaken);
};
