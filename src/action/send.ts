import { ChatError, errorCodes } from "../error.ts";
import { type Content, validateContent } from "../protocol/decode.ts";
import { storedMessageId } from "../protocol/identifier.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Mentions } from "../model.ts";
import type { Accepted, Outcome, Refused, Send, Store } from "../store/store.ts";
import { noConversation } from "./conversation.ts";

const texts: Partial<Record<Refused["code"], string>> = {
  [noConversation.code]: noConversation.message,
  unavailable: "The store did not confirm the message: send it again under the same id",
};

/** Why a send was refused, for people. */
export const refusalText = (code: Refused["code"]): string => texts[code] ?? errorCodes[code].meaning;

/** The fault of a message, before it is sent; null: there is none. Frames are decoded by the same rules (`validateContent`). */
export function validateSend(given: Content, limits: Limits): ChatError | null {
  const fault = validateContent(given, limits);
  if (fault === null) return null;
  return new ChatError(fault.code === "bad_frame" ? "bad_request" : fault.code, fault.message);
}

/**
 * Appends a message to the log; answers once it is on disk, or refused. A `refusal` goes to the store with it: a retry of a message that is
 * stored gets its first answer, whatever refuses it now.
 */
export const appendMessage = (store: Pick<Store, "append">, send: Send): Promise<Outcome> =>
  new Promise((resolve) => store.append({ ...send, id: storedMessageId(send.id) }, resolve));

/** Mentions as they are stored: each name once. */
export const storedMentions = (mentions: Mentions): Mentions =>
  typeof mentions === "string" ? mentions : [...new Set(mentions)];

/** The accepted message. @throws ChatError The code of a refusal. */
export function orThrow(outcome: Outcome): Accepted {
  if (outcome.type === "refused") throw new ChatError(outcome.code, refusalText(outcome.code));
  return outcome;
}
