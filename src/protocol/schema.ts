import * as v from "valibot";
import { identifierForm, messageIdForm } from "./identifier.ts";

/** What names and numbers look like on the wire, for frames and routes alike. The descriptions go into the generated documents. */

export const identifier = v.pipe(v.string(), v.regex(identifierForm), v.description("A tenant, user or device id"));

export const messageId = v.pipe(
  v.string(),
  v.regex(messageIdForm),
  v.description("A message id, made by its sender: a canonical lower-case UUID, the idempotency key"),
);

export const conversationId = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(64),
  v.description("The server's id of a conversation"),
);

export const cursor = v.pipe(v.string(), v.minLength(1), v.maxLength(128), v.description("A position in the log"));

/** A place in a conversation; 0 is before the first message. */
export const mark = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

type Targeted = { to?: string | undefined; conversation?: string | undefined };

/** Whom something is for is named in one of two ways, and in one alone. */
export const hasOneTarget = <Frame extends Targeted>() =>
  v.check(({ to, conversation }: Frame) => (to === undefined) !== (conversation === undefined));
