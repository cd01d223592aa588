import { errorCodes } from "../../error.ts";
import type { ServerFrame } from "../../protocol/frame.ts";
import type { Outcome } from "../../store/store.ts";
import type { Handler } from "./handler.ts";

/** How long a sender should wait after the store failed, in milliseconds. */
export const unavailableRetryMs = 1_000;

const refusals = {
  conflict: "The message id was used for other content",
  not_found: "There is no such conversation",
  unavailable: "The store did not confirm the message: send it again under the same id",
} as const;

/** The answer to a send, as its outcome is. */
export function outcomeFrame(id: string, outcome: Outcome): Extract<ServerFrame, { type: "accepted" | "rejected" }> {
  if (outcome.type === "accepted") {
    const { conversation, seq, time, duplicate } = outcome;
    return { type: "accepted", id, conversation, seq, time, duplicate };
  }
  const { code } = outcome;
  const { retry } = errorCodes[code];
  const delay = code === "unavailable" ? { retryAfterMs: unavailableRetryMs } : {};
  return { type: "rejected", id, code, message: refusals[code], retry, ...delay };
}

/** Joins the commit queue; the answer comes with the commit, in the order of the frames. */
export const send: Handler<"send"> = (connection, frame, { store }) => {
  const { tenant, user } = connection.session;
  const slot = connection.reserve();
  if (frame.to === user) {
    const message = "One cannot write to oneself";
    connection.answer(slot, { type: "rejected", id: frame.id, code: "invalid_recipient", message, retry: "never" });
    return;
  }
  const target = frame.to === undefined ? { conversation: frame.conversation ?? "" } : { to: frame.to };
  store.append({ tenant, from: user, id: frame.id, ...target, text: frame.text, origin: connection }, (outcome) => {
    if (outcome.type === "refused" && outcome.code === "unavailable") connection.storeFailed();
    connection.answer(slot, outcomeFrame(frame.id, outcome));
  });
};
