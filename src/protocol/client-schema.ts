import * as v from "valibot";
import { defaultLimits } from "./limits.ts";
import {
  conversationId,
  cursor,
  hasOneTarget,
  identifier,
  mark,
  mentions,
  messageId,
  oneTarget,
  opaque,
  recipient,
  text,
} from "./schema.ts";

const conversation = v.exactOptional(conversationId);
/** The server's limits give the maximum number. */
const users = v.pipe(v.array(identifier), v.metadata({ maxItems: defaultLimits.watchedUsersMax }));

/** Longer than any header that runtimes accept, in the characters that a header may have. */
const token = v.pipe(v.string(), v.regex(/^[!-~]+$/), v.maxLength(8_192));

/** The fields of a message from its sender, by socket or HTTP. */
export const sendFields = {
  ...{ id: messageId, to: v.exactOptional(recipient), conversation, text },
  mentions: v.exactOptional(
    v.pipe(mentions, v.description("Members of a group, or all of them; only with conversation")),
  ),
};

/** The frames of clients (PROTOCOL 4), one schema for each type. Unknown fields are refused, so that no client relies on them. */
export const clientFrames = {
  send: v.pipe(v.strictObject({ type: v.literal("send"), ...sendFields }), hasOneTarget(), oneTarget()),
  ack: v.strictObject({ type: v.literal("ack"), cursor }),
  read: v.strictObject({ type: v.literal("read"), conversation: conversationId, seq: mark }),
  typing: v.pipe(
    v.strictObject({ type: v.literal("typing"), to: v.exactOptional(identifier), conversation, typing: v.boolean() }),
    hasOneTarget(),
    oneTarget(),
  ),
  watch: v.strictObject({ type: v.literal("watch"), users }),
  authenticate: v.strictObject({ type: v.literal("authenticate"), token, id: v.exactOptional(opaque) }),
  ping: v.strictObject({ type: v.literal("ping"), id: v.exactOptional(opaque) }),
};
