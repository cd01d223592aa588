import * as v from "valibot";
import { conversationId, cursor, identifier, mark } from "../protocol/schema.ts";
import { message } from "../protocol/server-schema.ts";

/** What routes answer, as schemas for the documents: none of it is validated at run time. */

const next = v.exactOptional(v.pipe(v.string(), v.description("How to go on; absent: there is nothing more")));
const marks = v.strictObject({ delivered: mark, read: mark });
const user = v.strictObject({ user: identifier });

export const messagePage = v.strictObject({
  messages: v.array(message),
  more: v.strictObject({ before: v.boolean(), after: v.boolean() }),
  cursor: v.exactOptional(cursor),
  next,
});

export const conversationPage = v.strictObject({
  conversations: v.array(
    v.strictObject({
      id: conversationId,
      kind: v.literal("direct"),
      with: identifier,
      lastMessage: message,
      unread: mark,
      delivered: mark,
      read: mark,
      peer: v.exactOptional(marks),
    }),
  ),
  next,
});

export const oneUser = user;
export const contactPage = v.strictObject({ contacts: v.array(user), next });
export const blockPage = v.strictObject({ blocks: v.array(user), next });

export const ticket = v.strictObject({
  ticket: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  expiresAt: v.pipe(v.number(), v.safeInteger(), v.description("Milliseconds since the Unix epoch")),
});
