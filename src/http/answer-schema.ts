import * as v from "valibot";
import { conversationId, cursor, identifier, mark, messageName } from "../protocol/schema.ts";
import type { Frozen } from "../protocol/frame.ts";
import { message } from "../protocol/server-schema.ts";
import { type PushReason, pushReasons } from "../push/decide.ts";
import { quietHours } from "../protocol/quiet-hours.ts";

/** What routes answer, as schemas for the documents: none of it is validated at run time. */

const next = v.exactOptional(v.pipe(v.string(), v.description("How to go on; absent: there is nothing more")));
const marks = v.strictObject({ delivered: mark, read: mark });
const user = v.strictObject({ user: identifier });

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
  cursor: v.pipe(cursor, v.description("Where to go on")),
  frames: v.pipe(
    v.array(v.looseObject({ type: v.string() })),
    v.description(
      "What a socket would have got, in its order: `welcome` first, then `changes` and others (PROTOCOL 3)",
    ),
  ),
});

const listedConversation = v.strictObject({
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
});
/** A conversation in the list of one of its users. */
export type ListedConversation = Frozen<v.InferOutput<typeof listedConversation>>;

export const conversationPage = v.strictObject({
  /** Newest activity first. */
  conversations: v.array(listedConversation),
  /** The `after` of the next page; absent after the last one. */
  next,
});
/** Conversations of a user: what `GET /conversations` answers, and `chat.conversations`. */
export type ConversationPage = Frozen<v.InferOutput<typeof conversationPage>>;

export const oneUser = user;
export const contactPage = v.strictObject({ contacts: v.array(user), next });
export const blockPage = v.strictObject({ blocks: v.array(user), next });

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
      v.description("Beside the name, what a client must know to register, such as a `publicKey`"),
    ),
  ),
});

const decision = v.strictObject({
  device: v.exactOptional(v.pipe(identifier, v.description("Absent: you, whatever the device"))),
  provider: v.exactOptional(v.pipe(v.string(), v.description("Absent: the device has no address"))),
  decision: v.picklist(["send", "wait", "drop"]),
  reason: v.picklist(Object.keys(pushReasons) as PushReason[]),
  meaning: v.pipe(v.string(), v.description("The reason, for people")),
  time: v.exactOptional(v.pipe(time, v.description("When it was decided; absent: it is what holds now"))),
  until: v.exactOptional(v.pipe(time, v.description("Until when is waited"))),
  attempts: v.exactOptional(v.pipe(mark, v.description("Requests that did not succeed"))),
  answer: v.exactOptional(v.pipe(v.string(), v.description("What the provider answered"))),
  collapsedInto: v.exactOptional(v.pipe(mark, v.description("The later message that told of this one too"))),
  clearedAt: v.exactOptional(v.pipe(time, v.description("When the notification was taken away again"))),
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
        v.pipe(v.literal(true), v.description("There are devices or decisions beyond these: the newest are told")),
      ),
    }),
  ),
});

export const ticket = v.strictObject({
  ticket: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}(\.[A-Za-z0-9+\-_.@:~|]{1,128})?$/)),
  expiresAt: time,
});
