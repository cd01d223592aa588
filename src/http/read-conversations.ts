import * as v from "valibot";
import { ChatError } from "../error.ts";
import type { Conversation, GroupConversation, Identity } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import { group } from "../log/group.ts";
import { message } from "../log/message.ts";
import type { Limits } from "../protocol/limits.ts";
import { bytesCost, costs } from "../protocol/costs.ts";
import { identifier } from "../protocol/schema.ts";
import { newest, type OneConversation } from "../store/read/history.ts";
import type { Store } from "../store/store.ts";
import type { ConversationPage, ListedConversation, ListedGroup, MixedPage } from "./answer-schema.ts";
import { type FieldKind, readFields, wholeNumber } from "./parameters.ts";

const limitDefault = 50;

const opaquePosition = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,256}$/),
  v.description("Goes on after the page whose `next` this was"),
);
/** Distinguishes positions in the list of conversations from other sealed texts. */
const prefix = "conversations ";

function positionOf(after: string, cursors: Pick<Cursors, "unseal">): number {
  const [, digits] = /^conversations ([1-9][0-9]{0,15})$/.exec(cursors.unseal(after) ?? "") ?? [];
  if (digits === undefined) throw new ChatError("bad_request", "The parameter after is malformed");
  return Number(digits);
}

/** All query parameters of `GET /conversations`. */
export const conversationParameters = ({ answerRowsMax }: Limits) =>
  v.strictObject({
    limit: v.optional(wholeNumber([1, answerRowsMax], `Conversations of a page; else: ${limitDefault}`)),
    after: v.optional(opaquePosition),
    with: v.optional(
      v.pipe(identifier, v.description("The conversation with this user alone; excludes limit and after")),
    ),
  });

/** The same, with the level of the client. */
export const listParameters = (limits: Limits) =>
  v.strictObject({
    ...conversationParameters(limits).entries,
    level: v.optional(
      wholeNumber([1, 1_000], `The level of the client: from ${group.level} on, groups are among the conversations`),
    ),
  });

/** The fields of `chat.conversations` beside `user` and `tenant`. */
export const conversationFields = { limit: "number", after: "text", with: "text" } as const satisfies Readonly<
  Record<string, FieldKind>
>;

type Asked = {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly with?: string | undefined;
};

/** A page as it is answered; `counted`: how many messages were counted one by one for it. */
type ReadPage = { readonly page: ConversationPage; readonly counted: number };

/**
 * Reads a query of the host's own code.
 *
 * @throws ChatError `bad_request`: a field that is malformed. The text names it.
 */
export const readGivenPage = (given: object, limits: Limits): Asked =>
  readFields(given, { kinds: conversationFields, schema: conversationParameters(limits) });

/**
 * A page of a user's conversations, for `GET /conversations` and `chat.conversations`.
 *
 * @throws ChatError `bad_request`: an `after` that is no `next` of a page, `with` beside another parameter; `unavailable`.
 */
export async function readConversations(
  store: Pick<Store, "conversations" | "conversation" | "cursors">,
  identity: Identity,
  { limit: asked, after, with: other }: Asked,
): Promise<ReadPage> {
  if (other !== undefined) {
    if (asked !== undefined || after !== undefined)
      throw new ChatError("bad_request", "The parameter with excludes limit and after");
    return await readConversation(store, { asker: identity, with: other });
  }
  const limit = asked ?? limitDefault;
  const below = after === undefined ? newest : positionOf(after, store.cursors);
  const { conversations, counted, next } = await store.conversations(identity, { below, limit });
  return { page: { conversations: conversations.map(listed), ...sealed(store.cursors, next) }, counted };
}

type MixedRead = { readonly page: MixedPage; readonly counted: number };

/** A page with groups, for clients that know them; without them for all others. As `readConversations`. */
export async function readList(
  store: Pick<Store, "conversations" | "conversation" | "cursors"> & { readonly groups: Pick<Store["groups"], "list"> },
  identity: Identity,
  { level = 1, ...asked }: Asked & { readonly level?: number | undefined },
): Promise<MixedRead> {
  if (level < group.level || asked.with !== undefined) return await readConversations(store, identity, asked);
  const { limit = limitDefault, after } = asked;
  const below = after === undefined ? newest : positionOf(after, store.cursors);
  const { conversations, counted, next } = await store.groups.list(identity, { below, limit });
  return { page: { conversations: conversations.map(listedOf), ...sealed(store.cursors, next) }, counted };
}

const sealed = (cursors: Pick<Cursors, "seal">, next: number | undefined): { readonly next?: string } =>
  next === undefined ? {} : { next: cursors.seal(`${prefix}${next}`) };

/** One conversation or group of a user, by its id; an empty page where there is none. Rejects with `unavailable`. */
export async function readListed(
  store: { readonly groups: Pick<Store["groups"], "listed"> },
  { asker, conversation }: { readonly asker: Identity; readonly conversation: string },
): Promise<MixedRead> {
  const { conversations, counted } = await store.groups.listed(asker, conversation);
  return { page: { conversations: conversations.map(listedOf) }, counted };
}

/** A page of one conversation of a user, by its id or by the other user; an empty one where there is none. Rejects with `unavailable`. */
export async function readConversation(
  store: Pick<Store, "conversation">,
  { asker, ...which }: OneConversation & { readonly asker: Identity },
): Promise<ReadPage> {
  const { conversations, counted } = await store.conversation(asker, which);
  return { page: { conversations: conversations.map(listed) }, counted };
}

/** The cost of a page, once it is read. */
export const conversationCost = ({ page: { conversations }, counted }: MixedRead): number =>
  conversations.reduce<number>(
    (sum, { lastMessage: { text } }) => sum + 4 * costs.row + bytesCost(text.length),
    costs.counted * counted,
  );

function listedOf(conversation: Conversation | GroupConversation): ListedConversation | ListedGroup {
  if (!("kind" in conversation)) return listed(conversation);
  const { state, size, lastMessage, ...rest } = conversation;
  return {
    ...rest,
    ...(state && { group: state }),
    ...(size !== undefined && { members: size }),
    lastMessage: message.encode({ kind: "message", ...lastMessage }),
  };
}

function listed({ id, with: other, lastMessage: last, ...marks }: Conversation): ListedConversation {
  const lastMessage = message.encode({ kind: "message", ...last });
  return { id, kind: "direct", with: other, lastMessage, ...marks };
}
