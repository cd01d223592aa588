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
 * What names and numbers look like on the wire, for frames and routes alike. The documents are generated out of these: descriptions go into
 * them, and `v.metadata` says as JSON Schema what is checked by code. It checks nothing itself.
 */

/** How an id looks, as JSON Schema. */
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

/** As it is stored, and stands wherever it is no answer to its sender. */
export const messageName = v.pipe(
  v.string(),
  v.regex(storedMessageIdForm),
  v.description("A message's id, in lower case"),
);

/** What a client names a stored message by. */
export const namedMessageId = v.pipe(
  messageId,
  v.transform(storedMessageId),
  v.description("A message's id, in either case"),
);

/** A text of so many characters, counted as JSON Schema does: by code points, where JavaScript's length counts UTF-16 units. */
const characters = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.check((text) => (text.length <= most ? text.length >= least : isAtMost(text, most))),
    v.metadata({ minLength: least, maxLength: most }),
  );

/** Looks at a bounded number of units: a character is two at most. */
const isAtMost = (text: string, most: number): boolean =>
  text.length <= 2 * most && text.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, "_").length <= most;

export const conversationId = v.pipe(characters(1, 64), v.description("The server's id of a conversation"));

export const cursor = v.pipe(characters(1, 128), v.description("A position in the log"));

/** What comes back in the answer as it was sent. */
export const opaque = characters(1, 128);

/** A place in a conversation; 0 is before the first message. */
export const mark = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Whom a message is for. What it must be like is checked by \`validateContent\`, whose refusal is another one than that of a malformed frame. */
export const recipient = v.pipe(
  v.string(),
  v.metadata({ ...identifierSchema, description: "The user whom it is for" }),
);

/** A message's text. It is checked by \`validateContent\` too. */
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

/** Whom something is for is named in one of two ways, and in one alone. */
export const hasOneTarget = <Frame extends Targeted>() =>
  v.check(
    ({ to, conversation }: Frame) => (to === undefined) !== (conversation === undefined),
    "exactly one of to and conversation is needed",
  );

/** The same as JSON Schema, to stand behind it. */
export const oneTarget = <Frame extends Targeted>() =>
  v.metadata<Frame, { readonly oneOf: readonly { readonly required: readonly string[] }[] }>({
    oneOf: [{ required: ["to"] }, { required: ["conversation"] }],
  });
