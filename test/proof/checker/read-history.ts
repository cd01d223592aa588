import { type Client, isChanges } from "../../support/client.ts";
import { deadline } from "../../support/deadline.ts";
import type { Event } from "./checker.ts";

/** A user's whole history, for the checker: everything that a client receives which has connected with the user's first cursor. Ends it. */
export async function readHistory(fresh: Client): Promise<Event> {
  await fresh.when(() => fresh.frames.findLast(isChanges)?.more === false, deadline.bulkMs, "the whole history");
  const messages = fresh
    .messages()
    .map(({ conversation, seq, id, from, text }) => ({ conversation, seq, id, from, text }));
  fresh.terminate();
  return { type: "history", user: fresh.user, messages };
}
