import * as v from "valibot";
import {
  folded,
  identifierForm,
  isIdentifier,
  messageIdForm,
  storedMessageId,
  storedMessageIdForm,
} from "./identifier.ts";
import { defaultLimits } from "./limits.ts";

/**
 * The form of names and numbers on the wire, for frames and routes alike. The documents are generated from these: they contain the descriptions,
 * and `v.metadata` states as JSON Schema the checks that code does. It checks nothing itself.
 */

/** The form of an id, as JSON Schema. */
const identifierSchema = { pattern: identifierForm.source, not: { enum: folded } };

export const identifier = v.pipe(
  v.string(),
  v.check((text) => isIdentifier(text)),
  v.metadata(identifierSchema),
  v.description("A tenant, user or device id"),
);

export const messageId = v.pipe(
  v.string(),
  v.regex(messageIdForm),
  v.description("A message id, made by its sender: a canonical UUID in either case, the idempotency key"),
);

/** As it is stored, and sent everywhere except in answers to its sender. */
export const messageName = v.pipe(
  v.string(),
  v.regex(storedMessageIdForm),
  v.description("A message's id, in lower case"),
);

/** The id by which a client names a stored message. */
export const namedMessageId = v.pipe(
  messageId,
  v.transform(storedMessageId),
  v.description("A message's id, in either case"),
);

/** A text of `least` to `most` characters, counted as in JSON Schema: by code points, while JavaScript's length counts UTF-16 units. */
const characters = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.check((text) => (text.length <= most ? text.length >= least : isAtMost(text, most))),
    v.metadata({ minLength: least, maxLength: most }),
  );

/** Examines a bounded number of units: a character has at most two. */
const isAtMost = (text: string, most: number): boolean =>
  text.length <= 2 * most && text.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, "_").length <= most;

export const conversationId = v.pipe(characters(1, 64), v.description("The server's id of a conversation"));

export const inviteToken = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{43}$/),
  v.description("The secret of an invitation"),
);
export const cursor = v.pipe(characters(1, 128), v.description("A position in the log"));

/** A text that comes back unchanged in the answer. */
export const opaque = characters(1, 128);

/** A seq in a conversation; 0 is before the first message. */
export const mark = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The user that a message is for. Its form is checked by `validateContent`, because its refusal differs from that of a malformed frame. */
export const recipient = v.pipe(v.string(), v.metadata({ ...identifierSchema, description: "The recipient" }));

/** A message's text. It is checked by `validateContent` too. */
export const text = v.pipe(
  v.string(),
  v.metadata({
    pattern: "^[^\\x00]*$",
    minLength: 1,
    maxLength: defaultLimits.textBytesMax,
    description: `At most ${defaultLimits.textBytesMax} bytes of UTF-8, without NUL and lone surrogates`,
  }),
);

type Targeted = { to?: string | undefined; conversation?: string | undefined };

/** The target is named by exactly one of `to` and `conversation`. */
export const hasOneTarget = <Frame extends Targeted>() =>
  v.check(
    ({ to, conversation }: Frame) => (to === undefined) !== (conversation === undefined),
    "exactly one of to and conversation is needed",
  );

/** The same as JSON Schema, used after it. */
export const oneTarget = <Frame extends Targeted>() =>
  v.metadata<Frame, { readonly oneOf: readonly { readonly required: readonly string[] }[] }>({
    oneOf: [{ required: ["to"] }, { required: ["conversation"] }],
  });

/** The members of a group that a message mentions. The server's limits give how many. */
export const mentions = v.union([
  v.literal("all"),
  v.pipe(v.array(identifier), v.minLength(1), v.metadata({ maxItems: defaultLimits.mentionsMax })),
]);
