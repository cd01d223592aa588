import { appendMessage, orThrow, storedMentions, validateSend } from "./action/send.ts";
import type { Chat } from "./chat-api.ts";
import { createGroupCalls } from "./chat-groups.ts";
import { ChatError } from "./error.ts";
import { conversationFields, readConversations, readGivenPage } from "./http/read-conversations.ts";
import { readMessages } from "./http/read-messages.ts";
import { messageFields, readGivenSelectors } from "./http/selectors.ts";
import { refuseUnknown } from "./internal/refuse-unknown.ts";
import { utf8Bytes } from "./internal/utf8.ts";
import type { Identity } from "./model.ts";
import { isIdentifier, isMessageId, storedMessageId } from "./protocol/identifier.ts";
import { explainPush } from "./push/explain.ts";
import type { Database } from "./tenant/database.ts";
import type { Databases } from "./tenant/databases.ts";
import type { DatabaseContext } from "./tenant/runtime.ts";

export type CallOptions = Pick<DatabaseContext, "clock" | "random" | "limits"> & {
  readonly databases: Pick<Databases, "lease">;
  readonly isStopping: () => boolean;
};

/** The error of a field that does not exist, as in a frame. */
const noField = { code: "bad_request", text: "There is no field" } as const;

/** The calls of a chat for the server's own code. It may be plain JavaScript: every field is checked. */
export function createCalls(
  options: CallOptions,
): Pick<Chat, "send" | "groups" | "conversations" | "messages" | "disconnect" | "explainPush"> {
  const { databases, clock, random, limits, isStopping } = options;

  /** Unlike a client, the server's own code sees the real reason why the chat does not serve. */
  async function use<T>(tenant: string, task: (database: Database) => Promise<T>): Promise<T> {
    const { database, release } = await databases.lease(tenant);
    try {
      return await task(database);
    } finally {
      release();
    }
  }

  function requireRunning(): void {
    if (isStopping()) throw new ChatError("unavailable", "The chat is shutting down");
  }

  /** The user for whom the server's own code reads. */
  function readerOf(query: { readonly user: string; readonly tenant?: string }, fields: readonly string[]): Identity {
    refuseUnknown(query, { known: ["user", "tenant", ...fields], ...noField });
    const { user, tenant = "default" } = query;
    requireRunning();
    if (!isIdentifier(user) || !isIdentifier(tenant)) throw new ChatError("bad_request", "user or tenant is malformed");
    return { tenant, user };
  }

  return {
    async send(send) {
      refuseUnknown(send, { known: ["from", "to", "conversation", "text", "mentions", "tenant", "id"], ...noField });
      const { from, to, conversation: into, text, mentions, tenant = "default" } = send;
      const { id = random.messageId(clock.now()) } = send;
      requireRunning();
      if (!isIdentifier(from) || !isIdentifier(tenant))
        throw new ChatError("bad_request", "from or tenant is malformed");
      if (!isMessageId(id)) throw new ChatError("bad_request", "id is not a canonical UUID");
      if (typeof text !== "string") throw new ChatError("bad_request", "text is not a string");
      if ((to === undefined) === (into === undefined))
        throw new ChatError("bad_request", "exactly one of to and conversation is needed");
      if (into !== undefined && typeof into !== "string")
        throw new ChatError("bad_request", "conversation is not a string");
      if (mentions !== undefined && mentions !== "all" && !(Array.isArray(mentions) && mentions.every(isIdentifier)))
        throw new ChatError("bad_request", "mentions is neither all nor a list of users");
      const fault = validateSend({ to, text, mentions }, limits);
      if (fault) throw fault;
      const target = to === undefined ? { conversation: into ?? "" } : { to };
      const mentioned = mentions === undefined || mentions.length === 0 ? {} : { mentions: storedMentions(mentions) };
      const outcome = await use(tenant, ({ store }) =>
        appendMessage(store, { ...{ tenant, from, id, text }, ...target, ...mentioned }),
      );
      const { conversation, seq, time, duplicate } = orThrow(outcome);
      return { id, conversation, seq, time, duplicate };
    },

    groups: createGroupCalls({
      ...{ clock, random, limits },
      async use(tenant, task) {
        requireRunning();
        return await use(tenant, ({ store }) => task(store.groups));
      },
    }),

    async conversations(query) {
      const identity = readerOf(query, Object.keys(conversationFields));
      const place = readGivenPage(query, limits);
      return await use(identity.tenant, async ({ store }) => (await readConversations(store, identity, place)).page);
    },

    async messages(query) {
      const identity = readerOf(query, Object.keys(messageFields));
      return await use(identity.tenant, ({ store }) =>
        readMessages(store, identity, readGivenSelectors(query, { limits, cursors: store.cursors })),
      );
    },

    async disconnect(whom) {
      refuseUnknown(whom, { known: ["user", "tenant", "device", "reason"], ...noField });
      const { user, tenant = "default", device, reason = "the session was ended" } = whom;
      requireRunning();
      if (![user, tenant, device ?? user].every(isIdentifier))
        throw new ChatError("bad_request", "user, tenant or device is malformed");
      // A close frame has room for 123 bytes (RFC 6455 section 5.5).
      if (typeof reason !== "string" || reason.includes("\0") || utf8Bytes(reason) > 100 || !reason.isWellFormed())
        throw new ChatError("bad_request", "reason is not a text of at most 100 bytes");
      await use(tenant, ({ store }) => store.revoke({ tenant, user }, { device, reason, time: clock.now() }));
    },

    async explainPush(asked) {
      refuseUnknown(asked, { known: ["message", "user", "tenant"], ...noField });
      const { message, user, tenant = "default" } = asked;
      // A malformed tenant has nothing to explain, and the host is not asked for its database.
      if (!isIdentifier(tenant) || !isMessageId(message)) return [];
      return await use(tenant, ({ store }) => explainPush(store.push, { tenant, user, id: storedMessageId(message) }));
    },
  };
}
