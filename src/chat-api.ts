import type { ChatGroups } from "./chat-groups-api.ts";
import type { Socket, SocketEvents } from "./connection/socket.ts";
import type { FeedCounts } from "./feed/feed.ts";
import type { Admission } from "./access/admission.ts";
import type { ConversationPage, MessagePage } from "./http/answer-schema.ts";
import type { Peer } from "./access/peer.ts";
import type { Limits } from "./protocol/limits.ts";
import type { Mentions } from "./model.ts";
import type { PushExplanation } from "./push/explain.ts";
import type { Trouble } from "./store/store.ts";

/** A message from the server's own code. */
export type ServerSend = {
  /** The sender's user id. */
  readonly from: string;
  /** The recipient's user id: not the sender's own. */
  readonly to?: string;
  /** The conversation, or the group, of which the sender is a member, in place of `to`. */
  readonly conversation?: string;
  /** At most `limits.textBytesMax` bytes of UTF-8, and not empty. */
  readonly text: string;
  /** The mentioned members of the group, at most `limits.mentionsMax`, or all of them. Default: none. */
  readonly mentions?: Mentions;
  /** Default `default`. */
  readonly tenant?: string;
  /** The idempotency key, a canonical UUID, in upper or lower case; default: a fresh one. Keep it to retry. */
  readonly id?: string;
};

/** An accepted message. */
export type Sent = {
  /** The id that was given, or the fresh one. */
  readonly id: string;
  readonly conversation: string;
  /** Its place in the conversation, from 1. */
  readonly seq: number;
  /** When it was accepted, in milliseconds since the Unix epoch. */
  readonly time: number;
  /** The id was accepted before: this is its first answer. */
  readonly duplicate: boolean;
};

/** The sockets that are closed (`Chat.disconnect`). */
export type Disconnect = {
  readonly user: string;
  /** Default `default`. */
  readonly tenant?: string;
  /** Default: all of them. */
  readonly device?: string;
  /** The reason that the clients get: at most 100 bytes. Default: that the session was ended. */
  readonly reason?: string;
};

/** The message and its recipient (`Chat.explainPush`). */
export type ExplainedPush = {
  /** The message's id. */
  readonly message: string;
  readonly user: string;
  /** Default `default`. */
  readonly tenant?: string;
};

/** A page of a list of conversations (`Chat.conversations`). */
export type ConversationQuery = {
  /** The user of the list. */
  readonly user: string;
  /** Default `default`. */
  readonly tenant?: string;
  /** Conversations of a page, from 1 to `limits.answerRowsMax`; default 50. */
  readonly limit?: number;
  /** The `next` of the page before; default: from the newest. */
  readonly after?: string;
  /** Only the conversation with this user; excludes `limit` and `after`. */
  readonly with?: string;
};

/** Messages of a user (`Chat.messages`): each must meet all given conditions. */
export type MessageQuery = {
  /** The user who has sent or received the messages. */
  readonly user: string;
  /** Default `default`. */
  readonly tenant?: string;
  /** Of the conversation with this user; excludes `conversation`. */
  readonly with?: string;
  /** Of this conversation; excludes `with`. */
  readonly conversation?: string;
  /** Below this `seq`. Needs `with` or `conversation`, as the next two; `before`, `after`, `around` and `ids` exclude each other. */
  readonly before?: number;
  /** Above this `seq`; 0: from the first one. */
  readonly after?: number;
  /** On both sides of this `seq`. */
  readonly around?: number;
  /** With one of these ids: at most `limits.queryIdsMax`. */
  readonly ids?: readonly string[];
  /** Of this sender. */
  readonly from?: string;
  /** From this time on, in milliseconds since the Unix epoch. */
  readonly since?: number;
  /** Up to this time, in milliseconds since the Unix epoch. */
  readonly until?: number;
  /** Messages of a page, from 1 to `limits.answerRowsMax`; default 50. */
  readonly limit?: number;
  /** The `next` of an earlier page: goes on with its query; the fields of that query may be left out. */
  readonly next?: string;
};

/** The reason why a chat does not serve now (`Chat.trouble`). */
export type ChatTrouble = Trouble | "starting" | "stopping";

/** Sizes of the state that a chat holds in memory, by name. */
export type ChatSizes = Readonly<Record<string, number>>;

/** How the commits of a chat's databases came to it. */
export type ChatCounts = FeedCounts;

/**
 * A chat: what `createChat` makes, what adapters mount, and what the server's own code calls. None of its functions needs `this`, so that each may be
 * handed on by itself.
 */
export interface Chat {
  /** The limits in force: the defaults with what `createChat` was given. */
  readonly limits: Limits;

  /** The path under which the chat is mounted, such as `/chat` (the root is empty); undefined where no `base` was given. */
  readonly base: string | undefined;

  /**
   * Resolves once the database is open. Rejects at once with an error that no further try can mend (`config_invalid`, `migration_refused`,
   * `database_unfit`), and after `limits.startMs` with the error that prevents the opening (`database_locked`, `unavailable`); the tries go
   * on nevertheless, and `ready` may be called again. With a database for each tenant it resolves at once.
   *
   * @example
   * await chat.ready();
   */
  readonly ready: () => Promise<void>;

  /** Whether it serves now: no shutdown has begun, and the database answers, where there is one for all tenants. */
  readonly isReady: () => boolean;

  /**
   * Why it does not serve now; null: it does. `starting`: the database is not open yet. `stopping`: `close()` was called. `commits` and `reads`: the
   * database accepts no commits, or cannot be read, which ends by itself. `history`: it has another history, which is being opened. `file`: the
   * database's file is not, or no longer, exclusive to this process. `level`: the log holds entries that this release cannot read; nothing is served until a
   * newer one is started. `damaged`: nothing is accepted until it is started again on an undamaged database; undamaged data can still be read.
   */
  readonly trouble: () => ChatTrouble | null;

  /**
   * Decides on an upgrade, for adapters: the admission to connect with, or the refusal to answer. Never rejects. `peer`: the sender, as the
   * socket knows it; without it no address is counted.
   */
  readonly admit: (request: Request, peer?: Peer) => Promise<Admission | Response>;

  /**
   * Takes over an upgraded socket, for adapters. The adapter must call the events that this returns.
   *
   * @throws ChatError `unavailable`: the tenant's database was closed before the socket was open.
   */
  readonly connect: (socket: Socket, admission: Admission) => SocketEvents;

  /**
   * Answers a request under the path where the chat is mounted: the HTTP API (PROTOCOL 5). Never rejects. `peer`: the sender of the request, as the
   * server sees it; without it no address is counted.
   *
   * @example
   * const response = await chat.fetch(new Request("http://localhost/conversations", { headers }));
   */
  readonly fetch: (request: Request, peer?: Peer) => Promise<Response>;

  /**
   * Sends a message from the server's own code, handled like all others: it is on disk once this resolves. `authorize` is not called, and
   * no rate counts; a block by the recipient does.
   *
   * @throws ChatError `invalid_recipient`, `too_large`, `bad_request` (a field that does not exist too), `blocked`, `conflict`, `unavailable`
   * (retry with the same id).
   *
   * @example
   * await chat.send({ from: "shop", to: "alice", text: "Your order shipped" });
   */
  readonly send: (send: ServerSend) => Promise<Sent>;

  /** Groups of users. */
  readonly groups: ChatGroups;

  /**
   * A page of a user's conversations, newest activity first, as `GET /conversations` answers it. It marks nothing, and no rate counts.
   *
   * @throws ChatError `bad_request`: a field that is malformed or does not exist; `unavailable`.
   *
   * @example
   * const { conversations } = await chat.conversations({ user: "alice" });
   * const unread = conversations.reduce((sum, each) => sum + each.unread, 0);
   */
  readonly conversations: (query: ConversationQuery) => Promise<ConversationPage>;

  /**
   * A page of a user's messages, oldest first, as `GET /messages` answers it, with the same selectors. Without a selector it is the newest page of all their
   * messages. It marks nothing as delivered or read, belongs to no device, and no rate counts.
   *
   * @throws ChatError `bad_request`: a field that is malformed, does not exist or contradicts another; `not_found`: the conversation is not the
   * user's; `unavailable`.
   *
   * @example
   * const { messages } = await chat.messages({ user: "alice", with: "bob", limit: 20 });
   * const { messages: [one] } = await chat.messages({ user: "alice", ids: [id] });
   */
  readonly messages: (query: MessageQuery) => Promise<MessagePage>;

  /**
   * Ends the open sessions of a user, on one device or on all: their sockets close with 4401 on every node, within a second
   * where the nodes share a bus, else within a few. Resolves once it is on disk. Your `authenticate` must keep them from coming
   * back: call this after the session is gone.
   *
   * @throws ChatError `bad_request`: a malformed name, a reason over 100 bytes, a field that does not exist; `unavailable`.
   *
   * @example
   * await chat.disconnect({ user: "alice", reason: "signed out everywhere" });
   */
  readonly disconnect: (whom: Disconnect) => Promise<void>;

  /**
   * Why the devices of a user were, or were not, notified of a message: one explanation for each sender who used the id. Empty where the user
   * has no such message.
   *
   * @throws ChatError `bad_request`: a field that does not exist; `unavailable`.
   *
   * @example
   * const [why] = await chat.explainPush({ message: id, user: "alice" });
   */
  readonly explainPush: (asked: ExplainedPush) => Promise<readonly PushExplanation[]>;

  /**
   * Shuts down: no new connections, sends under way are answered, sockets close with 1012 in waves, the rest is
   * committed, the database is released. Resolves within `limits.shutdownMs`; called again it answers the same promise.
   *
   * @example
   * process.on("SIGTERM", () => void chat.close().then(() => process.exit(0)));
   */
  readonly close: () => Promise<void>;

  /** Since the start: commits that were applied as they came, and stretches of the log that were read in their place. */
  readonly counts: () => ChatCounts;

  /** Sizes of the state in memory, for tests and metrics: 0 once all clients have left. null: no database is open yet. */
  readonly sizes: () => ChatSizes | null;
}
