import type { Environment } from "./environment.ts";
import type { Readable } from "./readable.ts";
import type { Scope, Storage } from "./vault/contract.ts";
import type { Marks, MessageRow, Refusal, RelationRow, Target } from "./vault/rows.ts";

/** A message that the server has accepted. */
export type Message = MessageRow;

/** Why credentials are asked for. `attempt` counts from 1 within one reason. */
export type CredentialRequest = {
  readonly reason: "start" | "expired" | "refused";
  readonly attempt: number;
  readonly signal: AbortSignal;
};

/**
 * What proves the user to the server. `token`: sent as `Authorization: Bearer`, and for a WebSocket of a browser, which can send no header, first
 * exchanged for a ticket. `headers`: sent with each HTTP request alike. `parameters`: added to each URL, as the demo server takes `user`. `expiresAt`:
 * milliseconds since the Unix epoch, so that fresh ones are asked for before that.
 */
export type Credentials = {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly expiresAt?: number;
};

export type ClientOptions = {
  /** Where the host mounted Tidings: `https://app.example/chat`, or `/chat` of the page's own origin. */
  readonly url: string;
  /** The owner of the data. Data of another user is neither read nor shown. */
  readonly user: string;
  /** Default: the tenant of a server without tenants. */
  readonly tenant?: string;
  /** Called at the start, when the server refuses the credentials, and before they expire; once at a time. Null: no user is signed in. Absent: the browser's cookies prove the user. */
  readonly authenticate?: (request: CredentialRequest) => Promise<Credentials | null>;
  /** Where it keeps its data: `indexedDb()` in browsers, `libsql()` for servers and bots, `memory()` for tests. */
  readonly storage: Storage;
  /** What the client uses of its runtime. Default: that of the runtime. For tests and simulators. */
  readonly environment?: Partial<Environment>;
  /**
   * `polling`: HTTP alone, where the host has no WebSockets. Default: `auto`, a WebSocket, and HTTP where WebSockets are blocked.
   */
  readonly transport?: "auto" | "polling";
  /** Called with what should not have happened; never with the content of messages. Default: it goes to the console. */
  readonly onFault?: (fault: unknown) => void;
};

/** The connection, as a user interface shows it. */
export type Status =
  | { readonly state: "idle" }
  /** Opens its storage, gets credentials, connects, or is greeted. */
  | { readonly state: "connecting"; readonly attempt: number }
  /** Gets the changes that it missed. */
  | { readonly state: "catching-up" }
  /** `transport: "polling"`: WebSockets are blocked here. */
  | { readonly state: "online"; readonly transport: "socket" | "polling" }
  /** `until`: when the next try starts, in milliseconds since the Unix epoch, by the clock of the device. */
  | { readonly state: "waiting"; readonly until: number; readonly reason: WaitReason }
  /** Hidden and quiet: it connects when it is needed. */
  | { readonly state: "asleep" }
  /** `signed-out`: `authenticate` returned null. `refused`: fresh credentials were refused three times. `identity`: the server knows the credentials as another user. */
  | { readonly state: "unauthenticated"; readonly reason: "signed-out" | "refused" | "identity" }
  /** Closed for good by the server (banned), or refused for a reason that no further try changes. */
  | { readonly state: "ended"; readonly code: string; readonly reason: string }
  | { readonly state: "closed" };

/** `network`: nothing answers. `foreign`: no chat answers there: `url` is wrong, or it is the login page of a network. `offline`: the device says that it has no network. `busy`: the server has too many connections. `rate`: too many requests. `server`: it fails, restarts or is not ready. `storage`: this device cannot store. */
export type WaitReason = "network" | "foreign" | "offline" | "busy" | "rate" | "server" | "storage";

/** How the client's storage is. `stalled`: a write has not come back for two seconds; sending goes on, and may be lost if the page ends, except with `indexedDb()`, which notes it beside. `full`: nothing more is stored or confirmed. `lost`: deleted under the client, which starts again as a new device. */
export type StorageState = { readonly kind: "opening" | "durable" | "memory" | "stalled" | "full" | "lost" };

/** A conversation in the list. */
export type Conversation = {
  readonly id: string;
  readonly with: string | null;
  readonly last: Message | null;
  /** The state of `last`, if it is the user's own. */
  readonly lastState: MessageState | null;
  readonly unread: number;
  readonly isExact: boolean;
  readonly own: Marks;
  readonly peer: Marks;
  readonly isMuted: boolean;
  readonly mutedUntil: number | null;
};

export type ConversationList = {
  readonly conversations: readonly Conversation[];
  /** `more`: older ones can be loaded. `unreachable`: the last try failed. */
  readonly more: "loading" | "more" | "end" | "unreachable";
};

/** Each is further than the one before; `failed` is outside this order. `received`: another user's message. */
export type MessageState = "keeping" | "queued" | "sending" | "accepted" | "delivered" | "read" | "failed" | "received";

/** A message in a thread, from the keystroke on. */
export type ThreadRow = {
  /** The same from the keystroke to `read`: the key of a list. */
  readonly key: string;
  readonly id: string;
  readonly from: string;
  readonly text: string;
  readonly time: number;
  /** Null: not accepted yet. */
  readonly seq: number | null;
  readonly state: MessageState;
  readonly failed?: Refusal;
  /** True: `cancel` and `edit` still work. */
  readonly canChange: boolean;
};

export type ThreadState = {
  /** Null: no message has been exchanged yet. */
  readonly conversation: string | null;
  readonly with: string | null;
  /** In order, without holes. Messages that wait to be sent are at the end, if `after` is `end`. */
  readonly rows: readonly ThreadRow[];
  /** `end`: nothing is further in this direction. */
  readonly before: "loading" | "more" | "end" | "unreachable";
  readonly after: "loading" | "more" | "end" | "unreachable";
  readonly unread: number;
  /** The seq of the first message that was unread when the thread was opened; it stays until it is opened again. */
  readonly divider: number | null;
  readonly peer: Marks;
  readonly own: Marks;
  readonly isMuted: boolean;
};

/** What `send` returns at once. */
export type Sending = {
  readonly id: string;
  /** Resolves when the message is on this device's disk; rejects with a `ClientError` if it cannot be kept: then it is not sent, and not shown. */
  readonly kept: Promise<void>;
  /** Resolves when the server has it on disk; rejects if it was refused for good or cancelled. Across a restart the row of the thread shows it. */
  readonly accepted: Promise<Message>;
};

/** One conversation on screen. Two calls of `thread` for one target give the same object. One that has no listeners stops following its conversation when many others were asked for, until it has one again. */
export interface Thread {
  readonly state: Readable<ThreadState>;
  /** The text that the user has typed and not sent, kept on the device. */
  readonly draft: Readable<string> & { set(text: string): void };
  /** Users who type here now, in the order of names. */
  readonly typists: Readable<readonly string[]>;
  loadBefore(): void;
  loadAfter(): void;
  /** Moves the window. `unread`: to the first unread message. */
  jump(to: "newest" | "unread" | { readonly seq: number }): void;
  /** Shown at once; clears the draft in the transaction that keeps the message. @throws ClientError if the text cannot be a message (empty, too long, malformed). */
  send(text: string): Sending;
  /** Tries a refused message again. */
  retry(id: string): void;
  cancel(id: string): Promise<"cancelled" | "too-late">;
  edit(id: string, text: string): Promise<"edited" | "too-late">;
  /** The user types: call it with each keystroke; it is sent at most every three seconds, and never in notes to oneself. */
  typing(isTyping: boolean): void;
  /** The user has seen everything up to `seq`, on a screen that has the focus. */
  markRead(seq: number): void;
}

export type Presence = { readonly state: "online" | "offline" | "unknown"; readonly lastSeen?: number };

export type Profile = { readonly user: string; readonly name?: string; readonly avatar?: string };

export type ClientEvents = {
  /** A message of another user came, live: for sounds and notifications. Never for history. */
  message: Message;
  accepted: Message;
  failed: { readonly id: string; readonly target: Target; readonly failed: Refusal };
  reset: { readonly reason: "epoch" | "level" };
};

/** Answers the message that a bot was given. Resolves when the reply is on this device's disk: it is then sent once, however often its message is handled. */
export type Reply = (text: string) => Promise<void>;

/**
 * A bot's own code. The message counts as handled when it returns; it is called again if it throws, and after a crash that came before its end. Its effects other than
 * `reply` may happen twice.
 */
export type WorkHandler = (message: Message, reply: Reply) => void | Promise<void>;

export interface Client {
  readonly status: Readable<Status>;
  readonly storage: Readable<StorageState>;
  readonly user: string;
  /** Whose data it is, and of which server. Clients of one scope and one storage share their data. */
  readonly scope: Scope;
  /** The longest text that the server takes, in bytes of UTF-8. Until it has named its limit: that of a server without options. */
  readonly textBytesMax: Readable<number>;
  /** Over the conversations that this device knows. `isExact` false: there may be more. */
  readonly unread: Readable<{ readonly messages: number; readonly conversations: number; readonly isExact: boolean }>;
  readonly outbox: Readable<{ readonly queued: number; readonly failed: number }>;
  readonly conversations: Readable<ConversationList> & { loadMore(): void };
  readonly relations: Readable<readonly RelationRow[]>;
  thread(target: Target): Thread;
  conversation(id: string): Readable<Conversation | null>;
  presence(user: string): Readable<Presence>;
  setContact(user: string, is: boolean): void;
  setBlocked(user: string, is: boolean): void;
  mute(conversation: string, until?: number): void;
  unmute(conversation: string): void;
  /** Registers this device's push address with the server; null removes it. */
  registerPush(push: Readonly<Record<string, unknown>> | null): Promise<void>;
  on<Name extends keyof ClientEvents>(event: Name, listener: (value: ClientEvents[Name]) => void): () => void;
  /**
   * Handles each message of others with a bot's own code, in order, also those that came while the bot was away. Connects, and works until `signal` is aborted, the
   * client is closed, or a second call takes over.
   */
  work(handler: WorkHandler, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Connects, until the function that it returns was called as often as this one. The client lingers for some seconds after that. */
  retain(): () => void;
  /** Tries now: after `waiting`, `unauthenticated` or `ended`. */
  retry(): void;
  /** Forgets the credentials, ends the connection that they have opened, and asks `authenticate` again: after a token was taken back, or another one is to be used at once. */
  reauthenticate(): void;
  /** Forgets the credentials and ends the connection. `wipe`: deletes this user's data from the device, and the device on the server. `unsent`: messages that went with it. */
  signOut(options?: { readonly wipe?: boolean }): Promise<{ readonly unsent: number }>;
  close(): Promise<void>;
}

/** A fault of a call, with a stable code. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ClientError";
    this.code = code;
  }
}

/** The server has refused it for good. */
export const refusal = ({ code, message }: Refusal): ClientError => new ClientError("refused", `${code}: ${message}`);

export type ClientErrorCode =
  | "config_invalid"
  | "empty_text"
  | "too_large"
  | "malformed_text"
  | "outbox_full"
  | "storage_full"
  | "storage_failed"
  | "refused"
  | "cancelled"
  | "closed";
