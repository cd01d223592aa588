import * as v from "valibot";
import { defaultLimits } from "./limits.ts";
import {
  conversationId,
  cursor,
  hasOneTarget,
  identifier,
  mark,
  messageId,
  oneTarget,
  opaque,
  recipient,
  text,
} from "./schema.ts";

const conversation = v.exactOptional(conversationId);
/** How many it may be is for the limits of the server to say. */
const users = v.pipe(v.array(identifier), v.metadata({ maxItems: defaultLimits.watchedUsersMax }));

/** More than any header that runtimes let through, and what can stand in one. */
const token = v.pipe(v.string(), v.regex(/^[!-~]+$/), v.maxLength(8_192));

/** What a client may send (PROTOCOL 4), a schema a frame type. Unknown fields are refused, so that nobody believes that they count. */
export const clientFrames = {
  send: v.pipe(
    v.strictObject({
      type: v.literal("send"),
      id: messageId,
      to: v.exactOptional(recipient),
      conversation,
      text,
    }),
    hasOneTarget(),
    oneTarget(),
  ),
  ack: v.strictObject({ type: v.literal("ack"), cursor }),
  read: v.strictObject({ type: v.literal("read"), conversation: conversationId, seq: mark }),
  typing: v.pipe(
    v.strictObject({
      type: v.literal("typing"),
      to: v.exactOptional(identifier),
      conversation,
      typing: v.boolean(),
    }),
    hasOneTarget(),
    oneTarget(),
  ),
  watch: v.strictObject({ type: v.literal("watch"), users }),
  authenticate: v.strictObject({ type: v.literal("authenticate"), token, id: v.exactOptional(opaque) }),
  ping: v.strictObject({ type: v.literal("ping"), id: v.exactOptional(opaque) }),
};
