import * as v from "valibot";
import { type ErrorCode, errorCodes } from "../error.ts";
import { type ChangeKind, roles } from "../model.ts";
import { conversationId, cursor, identifier, mark, mentions, messageId, messageName } from "./schema.ts";

/**
 * The frames of the server, as schemas: the types in `frame.ts` and the documents are made from them. The server does not validate its own
 * frames at run time.
 */

const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.description("Milliseconds since the Unix epoch"));
const sessionEnd = v.pipe(
  v.number(),
  v.safeInteger(),
  v.description("The end of the session, in milliseconds since the Unix epoch; absent: it does not end by itself"),
);
const code = v.picklist(Object.keys(errorCodes) as ErrorCode[]);

const placed = { id: messageId, conversation: conversationId, seq, time };

const role = v.picklist(roles);
/** What happened in a group. `from` of its message has done it. */
const groupEvent = v.variant("type", [
  v.strictObject({ type: v.picklist(["created", "joined", "left"]) }),
  v.strictObject({ type: v.picklist(["added", "removed"]), users: v.array(identifier) }),
  v.strictObject({ type: v.literal("role"), user: identifier, role }),
  v.strictObject({ type: v.literal("renamed"), name: v.string() }),
]);

export const message = v.strictObject({
  kind: v.literal("message"),
  ...placed,
  id: messageName,
  from: identifier,
  to: v.exactOptional(v.pipe(identifier, v.description("Absent: it is of a group (level 3)"))),
  text: v.pipe(v.string(), v.description("Empty where it tells of an event")),
  mentions: v.exactOptional(v.pipe(mentions, v.description("The mentioned members of the group; absent: none"))),
  event: v.exactOptional(
    v.pipe(groupEvent, v.description("What happened in the group; absent: it is somebody's words")),
  ),
});
const receipt = v.strictObject({
  kind: v.literal("receipt"),
  conversation: conversationId,
  user: identifier,
  delivered: mark,
  read: mark,
});
const relation = v.strictObject({
  kind: v.literal("relation"),
  user: identifier,
  contact: v.boolean(),
  blocked: v.boolean(),
});

const settingFields = {
  muted: v.pipe(v.boolean(), v.description("A mute whose `until` has passed is over")),
  until: v.exactOptional(v.pipe(time, v.description("The end of the mute; absent: it has none"))),
  version: v.pipe(mark, v.description("How many times it has changed: the greater one is the newer")),
};
const setting = v.strictObject({ kind: v.literal("setting"), conversation: conversationId, ...settingFields });

/** What a user has set for a conversation, in the list. */
export const listedSetting = v.strictObject(settingFields);

/** What all members of a group know of it. */
export const groupFields = {
  version: v.pipe(mark, v.description("How many times it has changed: the greater one is the newer")),
  name: v.string(),
  data: v.pipe(v.record(v.string(), v.unknown()), v.description("Data of the app")),
  visibility: v.pipe(v.picklist(["private", "open"]), v.description("`open`: who knows its id may join")),
  history: v.pipe(
    v.picklist(["all", "joined"]),
    v.description("What somebody who joins may read: all, or what came since"),
  ),
};
const group = v.strictObject({ kind: v.literal("group"), conversation: conversationId, ...groupFields });
const membership = v.strictObject({
  kind: v.literal("membership"),
  conversation: conversationId,
  status: v.picklist(["member", "left", "removed"]),
  role,
  first: v.pipe(seq, v.description("The first message that one may read")),
  next: v.pipe(seq, v.description("What comes from here on is told; what was before is read when it is shown")),
  last: v.exactOptional(v.pipe(mark, v.description("The last message that one may read; absent: one is here"))),
  read: mark,
  group: v.exactOptional(v.strictObject(groupFields)),
});

/** The kinds of log entry that devices get. */
export const changes = { message, receipt, relation, setting, group, membership } satisfies Readonly<
  Record<ChangeKind, v.GenericSchema>
>;

export const placedMessage = v.strictObject({ ...placed, duplicate: v.boolean() });

/** The limits that a client must know. */
export const welcomeLimits = v.strictObject({ frameBytes: mark, textBytes: mark, sendWindow: mark });

export const serverFrames = {
  welcome: v.strictObject({
    type: v.literal("welcome"),
    protocol: v.literal(1),
    level: v.pipe(seq, v.description("Nothing of a higher level is sent on this connection")),
    user: identifier,
    tenant: v.pipe(identifier, v.description("The user's tenant; `default` if the host names none")),
    device: identifier,
    cursor,
    time,
    history: v.pipe(
      v.string(),
      v.description("The name of the history that the cursor is of, as HTTP answers name it"),
    ),
    heartbeatMs: mark,
    limits: welcomeLimits,
  }),
  changes: v.strictObject({
    type: v.literal("changes"),
    cursor,
    more: v.boolean(),
    changes: v.array(v.variant("kind", Object.values(changes))),
  }),
  accepted: v.strictObject({ type: v.literal("accepted"), ...placed, duplicate: v.boolean() }),
  rejected: v.strictObject({
    type: v.literal("rejected"),
    id: messageId,
    code,
    message: v.string(),
    retry: v.picklist(["never", "later"]),
    retryAfterMs: v.exactOptional(mark),
  }),
  reset: v.strictObject({ type: v.literal("reset"), reason: v.picklist(["epoch", "level"]), cursor }),
  typing: v.strictObject({
    type: v.literal("typing"),
    conversation: conversationId,
    user: identifier,
    typing: v.boolean(),
  }),
  presence: v.union([
    v.strictObject({ type: v.literal("presence"), user: identifier, state: v.literal("online") }),
    v.strictObject({
      type: v.literal("presence"),
      user: identifier,
      state: v.literal("offline"),
      lastSeen: v.exactOptional(
        v.pipe(time, v.description("Rounded down to the minute; absent if it is not known, or hidden from the viewer")),
      ),
    }),
  ]),
  authenticated: v.strictObject({
    type: v.literal("authenticated"),
    expiresAt: v.exactOptional(sessionEnd),
    id: v.exactOptional(v.string()),
  }),
  pong: v.strictObject({ type: v.literal("pong"), id: v.exactOptional(v.string()) }),
  error: v.strictObject({ type: v.literal("error"), code, message: v.string(), id: v.exactOptional(v.string()) }),
};

export const problemBody = v.strictObject({
  type: v.pipe(v.string(), v.regex(/^urn:tidings:error:[a-z_]+$/)),
  title: v.string(),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  detail: v.string(),
  code,
});
