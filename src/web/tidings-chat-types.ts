/** The types of `tidings/element`: the package has this file as `web/tidings-chat.d.ts`, beside the bundled script. */
import type { Client, CredentialRequest, Credentials, Message, Refusal, Status, Target } from "../client/index.ts";

/** What `authenticate` of the client is, see `ClientOptions`. */
export type Authenticate = (request: CredentialRequest) => Promise<Credentials | null>;

/** `full`: the list and the thread, beside each other where there is room, else one of them. */
export type ChatView = "full" | "list" | "thread";

/** What a conversation is opened by: the name of the other user, or a target; null is the list. */
export type OpenTarget = string | Target | null;

/** The events of `<tidings-chat>`. They bubble, out of shadows too. */
export interface TidingsChatEventMap {
  /** Another user's message came, live; never history. With `view="thread"` those of the open thread alone. */
  "tidings-message": CustomEvent<Message>;
  /** The server has accepted a message of the user. */
  "tidings-accepted": CustomEvent<Message>;
  /** The server has refused a message of the user for good. */
  "tidings-failed": CustomEvent<{ readonly id: string; readonly target: Target; readonly failed: Refusal }>;
  /** How much is unread in all conversations of the user: at the beginning and after each change. */
  "tidings-unread": CustomEvent<{
    readonly messages: number;
    readonly conversations: number;
    readonly isExact: boolean;
  }>;
  /** How the connection is: at the beginning and after each change. */
  "tidings-status": CustomEvent<Status>;
  /** The user opens a conversation, or the list (null). `preventDefault()`: the element stays as it is. */
  "tidings-open": CustomEvent<Target | null>;
}

/** What `<tidings-chat>` has beside what every element has. Each attribute is a property of the same name. */
export interface TidingsChatParts {
  /** Where the chat is mounted, seen from the page: `/chat`. */
  url: string | null;
  /** The user whose chat it is. */
  user: string | null;
  tenant: string | null;
  /** The other user of the open thread. */
  with: string | null;
  /** The open thread, by its conversation. */
  conversation: string | null;
  /** Absent: `thread` where a thread is named, else `full`. */
  view: string | null;
  /** Sent as `Authorization: Bearer`. Absent, and without `authenticate`: the browser's cookies prove the user. */
  token: string | null;
  /** Gives the credentials, see the client's option; null: `token` or cookies do. */
  authenticate: Authenticate | null;
  /** The client, shared by all elements with the same url, user and tenant. Setting it gives the element one of your own. */
  get client(): Client | null;
  set client(client: Client | null);
  /** Shows a conversation, or the list. */
  open(target: OpenTarget): void;
  /** Ends the session of the user in all tabs, and removes the user's data from this browser. `unsent`: messages that went with it. */
  signOut(): Promise<{ readonly unsent: number }>;
  addEventListener<Name extends keyof TidingsChatEventMap>(
    name: Name,
    listener: (event: TidingsChatEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** The element `<tidings-chat>`: the chat of a user, or one thread of it, in any page. */
export declare class TidingsChat extends HTMLElement implements TidingsChatParts {
  url: string | null;
  user: string | null;
  tenant: string | null;
  with: string | null;
  conversation: string | null;
  view: string | null;
  token: string | null;
  authenticate: Authenticate | null;
  get client(): Client | null;
  set client(client: Client | null);
  open(target: OpenTarget): void;
  signOut(): Promise<{ readonly unsent: number }>;
}

declare global {
  interface HTMLElementTagNameMap {
    "tidings-chat": TidingsChat;
  }
  interface GlobalEventHandlersEventMap extends TidingsChatEventMap {}
}
