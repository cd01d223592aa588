import * as v from "valibot";
import { conversationId, cursor, identifier, mark, messageName, inviteToken } from "../protocol/schema.ts";
import { roles } from "../model.ts";
import type { Frozen } from "../protocol/frame.ts";
import { groupFields, listedSetting, message, welcomeLimits } from "../protocol/server-schema.ts";
import { type PushReason, pushReasons } from "../push/decide.ts";
import { quietHours } from "../protocol/quiet-hours.ts";

/** The answers of routes, as schemas for the documents: they are not validated at run time. */

const next = v.exactOptional(v.pipe(v.string(), v.description("For the next page; absent after the last one")));
const marks = v.strictObject({ delivered: mark, read: mark });
export const oneUser = v.strictObject({ user: identifier });

export const messagePage = v.strictObject({
  /** Oldest first. */
  messages: v.array(message),
  /** Whether there is more before the first and after the last message, or may be where that was not looked up. */
  more: v.strictObject({ before: v.boolean(), after: v.boolean() }),
  /** To ack once the page is stored: only over HTTP, where the undelivered messages of a device were asked for. */
  cursor: v.exactOptional(cursor),
  /** Goes on in the same direction; absent at its end. */
  next,
});
/** Messages that a query selects: what `GET /messages` answers, and `chat.messages`. */
export type MessagePage = Frozen<v.InferOutput<typeof messagePage>>;

export const changesAnswer = v.strictObject({
  cursor: v.pipe(cursor, v.description("For the next request")),
  frames: v.pipe(
    v.array(v.looseObject({ type: v.string() })),
    v.description("The frames of a socket, in their order: `welcome` first, then `changes` and others (PROTOCOL 3)"),
  ),
});

export const listedConversation = v.strictObject({
  id: conversationId,
  kind: v.literal("direct"),
  /** The other user. */
  with: identifier,
  lastMessage: message,
  /** Messages of the other user above `read`. */
  unread: mark,
  /** The asker's own marks: how far their devices have stored the conversation, and how far they have seen it. */
  delivered: mark,
  read: mark,
  /** The marks of the other user. Absent while one of the two has blocked the other. */
  peer: v.exactOptional(marks),
  /** What the asker has set for the conversation. */
  setting: listedSetting,
});
/** A conversation in the list of one of its users. */
export type ListedConversation = Frozen<v.InferOutput<typeof listedConversation>>;

const role = v.picklist(roles);

/** A group as its members see it. */
export const groupAnswerSchema = v.strictObject({
  id: conversationId,
  kind: v.literal("group"),
  ...groupFields,
  members: v.pipe(mark, v.description("How many members it has")),
  role: v.exactOptional(v.pipe(role, v.description("The asker's role; absent: the host asks"))),
});
export type GroupAnswer = Frozen<v.InferOutput<typeof groupAnswerSchema>>;

export const groupMemberPage = v.strictObject({
  members: v.array(
    v.strictObject({
      ...{ user: identifier, role },
      delivered: v.exactOptional(v.pipe(mark, v.description("Absent, as read: the group is large"))),
      read: v.exactOptional(mark),
    }),
  ),
  next,
});

export const groupReaderPage = v.strictObject({
  count: v.pipe(mark, v.description("How many members have read it, without its sender")),
  readers: v.array(identifier),
  next,
});

export const listedGroup = v.strictObject({
  id: conversationId,
  kind: v.literal("group"),
  status: v.picklist(["member", "left", "removed"]),
  role,
  first: v.pipe(mark, v.description("The first message that you may read")),
  last: v.exactOptional(v.pipe(mark, v.description("The last one; absent: you are a member"))),
  read: mark,
  group: v.exactOptional(v.strictObject(groupFields)),
  members: v.exactOptional(mark),
  lastMessage: message,
  unread: v.pipe(mark, v.description("Messages of others above `read`, without events")),
  mentions: v.pipe(mark, v.description("How many of them mention you, or all members")),
  setting: listedSetting,
});
export type ListedGroup = Frozen<v.InferOutput<typeof listedGroup>>;

export const conversationPage = v.strictObject({
  /** Newest activity first. */
  conversations: v.array(v.union([listedConversation, listedGroup])),
  /** The `after` of the next page; absent after the last one. */
  next,
});
/** Conversations of a user: what `GET /conversations` answers. */
export type MixedPage = Frozen<v.InferOutput<typeof conversationPage>>;

/** The same without groups, as `chat.conversations` answers it. */
export type ConversationPage = { readonly conversations: readonly ListedConversation[]; readonly next?: string };

export const contactPage = v.strictObject({ contacts: v.array(oneUser), next });
export const blockPage = v.strictObject({ blocks: v.array(oneUser), next });

const time = v.pipe(v.number(), v.safeInteger(), v.description("Milliseconds since the Unix epoch"));

export const mute = v.strictObject({
  muted: v.boolean(),
  until: v.exactOptional(v.pipe(time, v.description("Absent: for good"))),
});

export const quietHoursAnswer = v.strictObject({ quietHours: v.nullable(quietHours) });

export const pushProviders = v.strictObject({
  providers: v.array(
    v.pipe(
      v.objectWithRest({ name: v.string() }, v.string()),
      v.description("Beside the name, the fields that a client needs to register, such as a `publicKey`"),
    ),
  ),
});

export const me = v.strictObject({
  user: identifier,
  tenant: identifier,
  time: v.pipe(time, v.description("The server's clock")),
  heartbeatMs: mark,
  limits: welcomeLimits,
  unread: v.strictObject({
    messages: v.pipe(
      mark,
      v.description("Without muted conversations and blocked users; a lower bound if there are very many"),
    ),
  }),
});

const decision = v.strictObject({
  device: v.exactOptional(v.pipe(identifier, v.description("Absent: of all your devices"))),
  provider: v.exactOptional(v.pipe(v.string(), v.description("Absent: the device has no address"))),
  decision: v.picklist(["send", "wait", "drop"]),
  reason: v.picklist(Object.keys(pushReasons) as PushReason[]),
  meaning: v.pipe(v.string(), v.description("The reason, for people")),
  time: v.exactOptional(v.pipe(time, v.description("When it was decided; absent: it would be decided so now"))),
  until: v.exactOptional(v.pipe(time, v.description("The end of the wait"))),
  attempts: v.exactOptional(v.pipe(mark, v.description("Requests that did not succeed"))),
  answer: v.exactOptional(v.pipe(v.string(), v.description("The provider's answer"))),
  collapsedInto: v.exactOptional(v.pipe(mark, v.description("The later message with which this one was notified"))),
  clearedAt: v.exactOptional(v.pipe(time, v.description("When the notification was removed"))),
});

export const pushExplanations = v.strictObject({
  messages: v.array(
    v.strictObject({
      id: messageName,
      from: identifier,
      conversation: conversationId,
      seq: mark,
      time,
      decisions: v.array(decision),
      more: v.exactOptional(
        v.pipe(v.literal(true), v.description("There are more devices or decisions: these are the newest")),
      ),
    }),
  ),
});

export const ticket = v.strictObject({
  ticket: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}(\.[A-Za-z0-9+\-_.@:~|]{1,128})?$/)),
  expiresAt: time,
});

const invite = {
  id: messageName,
  expiresAt: time,
  uses: v.pipe(mark, v.description("How many users may still join by it")),
};

export const newInviteAnswer = v.strictObject({
  ...invite,
  token: inviteToken,
});

export const groupInvitePage = v.strictObject({
  invites: v.array(v.strictObject({ ...invite, by: v.pipe(identifier, v.description("Its maker")) })),
  next,
});
