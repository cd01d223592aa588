import * as v from "valibot";
import { ChatError } from "../error.ts";
import { defaultDevice, messageIdsForm, storedMessageId } from "../protocol/identifier.ts";
import { present } from "../internal/present.ts";
import type { Cursors } from "../protocol/cursor.ts";
import type { Limits } from "../protocol/limits.ts";
import { conversationId, identifier, mark } from "../protocol/schema.ts";
import { type HistoryQuery, newest, type PageOrder } from "../store/read/history.ts";
import { type FieldKind, readFields, readParameters, wholeNumber } from "./parameters.ts";

const limitDefault = 50;

const seq = (description: string, least = 1) =>
  wholeNumber(
    [least, newest - 1],
    `${description}. Needs with or conversation; before, after, around and ids exclude each other`,
  );
const time = (description: string) => wholeNumber([0, newest], `${description}, in milliseconds since the Unix epoch`);

/** The selectors of `GET /messages`, each as the text that it is in an address. */
const schemaOf = ({ answerRowsMax, queryIdsMax }: Limits) =>
  v.strictObject({
    device: v.optional(v.pipe(identifier, v.description("Of which device undelivered is asked; else: default"))),
    with: v.optional(v.pipe(identifier, v.description("The conversation with this user; excludes conversation"))),
    conversation: v.optional(v.pipe(conversationId, v.description("This conversation; excludes with"))),
    before: v.optional(seq("Messages below this seq")),
    after: v.optional(seq("Messages above this seq; 0: from the first one", 0)),
    around: v.optional(seq("Messages on both sides of this seq")),
    ids: v.optional(
      v.pipe(
        v.string(),
        v.regex(messageIdsForm(queryIdsMax)),
        v.description(
          `Message ids with commas between them, in either case, at most ${queryIdsMax}; excludes before, after and around`,
        ),
        v.transform((text) => [...new Set(text.split(",").map(storedMessageId))]),
      ),
    ),
    from: v.optional(v.pipe(identifier, v.description("Messages of this user"))),
    since: v.optional(time("Messages from this time on")),
    until: v.optional(time("Messages up to this time, which is not before since")),
    undelivered: v.optional(v.pipe(v.literal("true"), v.description("Messages that the device has not got"))),
    limit: v.optional(wholeNumber([1, answerRowsMax], `Messages of a page; else: ${limitDefault}`)),
  });

export type Selectors = v.InferOutput<ReturnType<typeof schemaOf>>;

const nextParameter = {
  next: v.optional(v.pipe(v.string(), v.minLength(1), v.description("Goes on with the query of an earlier answer"))),
};

/** All query parameters of `GET /messages`. */
export const messageParameters = (limits: Limits) => v.strictObject({ ...schemaOf(limits).entries, ...nextParameter });

export type Query = {
  readonly query: HistoryQuery;
  /** The selectors of the request, for the `next` of the answer. */
  readonly selectors: Selectors;
};

export type SelectorOptions = { readonly limits: Limits; readonly cursors: Pick<Cursors, "unseal"> };

/**
 * Reads the query of `GET /messages`. `next` holds all selectors of the query that it continues; the request may repeat them, unchanged.
 *
 * @throws ChatError `bad_request`: a parameter that is unknown, doubled, malformed, or contradicts another one. The text names it.
 */
export function readSelectors(url: string, { limits, cursors }: SelectorOptions): Query {
  const { next, ...given } = readParameters(url, messageParameters(limits));
  if (next === undefined) return begin(given);
  return goOn(next, given, { schema: schemaOf(limits), cursors });
}

/** The fields of `chat.messages`: without those of a device, because a read by the host must not affect one. */
export const messageFields = {
  with: "text",
  conversation: "text",
  before: "number",
  after: "number",
  around: "number",
  ids: "texts",
  from: "text",
  since: "number",
  until: "number",
  limit: "number",
  next: "text",
} as const satisfies Readonly<Record<string, FieldKind>>;

/**
 * The same for a query of the host's own code. Without a selector it is all of the user's messages.
 *
 * @throws ChatError `bad_request`, as `readSelectors`.
 */
export function readGivenSelectors(given: object, { limits, cursors }: SelectorOptions): Query {
  const schema = v.omit(schemaOf(limits), ["device", "undelivered"]);
  const withNext = v.strictObject({ ...schema.entries, ...nextParameter });
  const { next, ...selectors } = readFields(given, { kinds: messageFields, schema: withNext });
  if (next !== undefined) return goOn(next, selectors, { schema, cursors });
  return begin(isList(selectors) ? { ...selectors, since: 0 } : selectors);
}

function begin(selectors: Selectors): Query {
  refuseContradiction(selectors);
  return { query: queryOf(selectors, walkOf(selectors)), selectors };
}

type Going = { readonly schema: v.GenericSchema<unknown, Selectors>; readonly cursors: Pick<Cursors, "unseal"> };

/** The query that a `next` holds, from where its last page ended. */
function goOn(next: string, given: Selectors, { schema, cursors }: Going): Query {
  const { texts, walk } = decodeNext(next, cursors);
  const parsed = v.safeParse(schema, texts);
  if (!parsed.success) throw malformedNext();
  for (const [name, text] of Object.entries(textsOf({ ...given, limit: undefined })))
    if (texts[name] !== text) throw new ChatError("bad_request", `The parameter ${name} contradicts next`);
  const selectors = { ...parsed.output, ...(given.limit !== undefined && { limit: given.limit }) };
  return { query: queryOf(selectors, walk), selectors };
}

function refuseContradiction({ with: other, conversation, before, after, around, ids, since, until }: Selectors): void {
  const ways = Object.entries({ before, after, around }).filter(([, seq]) => seq !== undefined);
  const [[way] = [], [second] = []] = ways;
  const refuse = (text: string): never => {
    throw new ChatError("bad_request", text);
  };
  if (other !== undefined && conversation !== undefined)
    refuse("The parameters with and conversation exclude each other");
  if (second !== undefined) refuse(`The parameters ${way} and ${second} exclude each other`);
  if (way !== undefined && ids !== undefined) refuse(`The parameters ${way} and ids exclude each other`);
  if (way !== undefined && other === undefined && conversation === undefined)
    refuse(`The parameter ${way} needs with or conversation`);
  if (since !== undefined && until !== undefined && since > until) refuse("The parameter until is before since");
}

/** Without a selector it is the list of the messages that the device has not received. */
function isList({ device: _, limit: __, ...selectors }: Selectors): boolean {
  return Object.values(selectors).every((one) => one === undefined);
}

/** Where a query begins: undelivered messages at the oldest, else at the newest, unless it says otherwise. */
function walkOf(selectors: Selectors): PageOrder {
  const { before, after, around, ids, undelivered } = selectors;
  if (ids !== undefined) return {};
  if (before !== undefined) return { down: before };
  if (after !== undefined) return { up: after };
  if (around !== undefined) return { down: around, up: around - 1 };
  return undelivered !== undefined || isList(selectors) ? { up: 0 } : { down: newest };
}

function queryOf(selectors: Selectors, walk: PageOrder): HistoryQuery {
  const {
    device = defaultDevice,
    limit = limitDefault,
    undelivered,
    before: _,
    after: __,
    around: ___,
    ...rest
  } = selectors;
  const isUndelivered = undelivered !== undefined || isList(selectors);
  return { ...present(rest), order: walk, limit, ...(isUndelivered && { undelivered: device }) };
}

/** Selectors as the texts of an address. */
const textsOf = (selectors: Partial<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(present(selectors)).map(([name, value]) => [name, String(value)]));

const bound = v.optional(mark);
const nextSchema = v.strictObject({
  texts: v.record(v.string(), v.string()),
  walk: v.strictObject({ down: bound, up: bound, ids: bound, author: bound }),
});

type Continued = { readonly selectors: Selectors; readonly walk: PageOrder };

/** The opaque form of a query and of its continuation, for the wire. */
export const encodeNext = ({ selectors, walk }: Continued, cursors: Pick<Cursors, "seal">): string =>
  cursors.seal(JSON.stringify({ texts: textsOf(selectors), walk }));

const malformedNext = (): ChatError => new ChatError("bad_request", "The parameter next is malformed");

/** Its content is checked like an address: it is not trusted. */
function decodeNext(
  text: string,
  cursors: Pick<Cursors, "unseal">,
): { texts: Readonly<Record<string, string>>; walk: PageOrder } {
  let value: unknown;
  try {
    value = JSON.parse(cursors.unseal(text) ?? "");
  } catch {
    throw malformedNext();
  }
  const parsed = v.safeParse(nextSchema, value);
  if (!parsed.success) throw malformedNext();
  return { texts: parsed.output.texts, walk: present(parsed.output.walk) };
}
