import type { Transport } from "./bus/transport.ts";
import type { Authenticate } from "./access/authenticate.ts";
import type { TrustProxy } from "./access/peer.ts";
import type { MessageHook } from "./hook/message-hook.ts";
import type { Authorize, CanSee } from "./access/policy.ts";
import type { Revalidate } from "./hub/revalidation.ts";
import type { Clock } from "./internal/clock.ts";
import type { Random } from "./internal/random.ts";
import type { Limits } from "./protocol/limits.ts";
import type { OnPush } from "./push/preview.ts";
import type { PushProvider } from "./push/provider.ts";
import type { RateOptions } from "./protocol/rates.ts";
import type { AuthToken } from "./store/engine/auth-token.ts";
import type { Engine } from "./store/engine/engine.ts";

export type DatabaseOptions = {
  /** `file:` and a path, or the `libsql:`, `https:` or `http:` URL of a libSQL server. */
  readonly url: string;
  /**
   * The token of a libSQL server, or a function that answers it, for tokens that expire: called at the start, and again when the server has
   * refused the token, once for all requests that wait for it; these are then repeated. A throw, an answer that is no token, or no answer within ten
   * seconds is answered `unavailable`; it is called again after 1 s at the earliest, then with longer and longer pauses, up to 30 s. A file needs none.
   */
  readonly authToken?: AuthToken;
  /** Whether pending migrations are applied at the start. Default: for a file they are; a remote database with any is refused. */
  readonly migrate?: boolean;
  /** Opens the database; default: the engine for the URL. */
  readonly open?: (options: { readonly url: string; readonly authToken?: AuthToken }) => Engine;
};

/**
 * Names a tenant's database. It is opened at the first request of the tenant, and closed when it was not used for `limits.databaseIdleMs`; the
 * next request calls this again. Tenants with literally the same URL share a database. null: there is no such tenant. A throw, null for a tenant
 * that `authenticate` proved, or no answer within `limits.hostAnswerMs`, is answered `unavailable`.
 */
export type DatabaseOfTenant = (tenant: string) => DatabaseOptions | null | Promise<DatabaseOptions | null>;

export type ChatOptions = {
  /** One database for all tenants, or a function that names one for each (docs/database.md). */
  readonly database: DatabaseOptions | DatabaseOfTenant;
  /**
   * Identifies the user of a request; null: there is none. Required: Tidings never guesses. A throw, or no answer within `limits.hostAnswerMs`, is answered
   * 503 `unavailable`, and logged.
   */
  readonly authenticate: Authenticate & { readonly isHostAllowed?: (request: Request) => boolean };
  /**
   * Origins that may use the chat beside the server's own, such as `https://app.example`, each as browsers send it. `app://.` and `file://` are
   * pages of Electron. `null` is any sandboxed page and any local file on any machine: see docs/security.md before you allow it. Default: none.
   */
  readonly origins?: readonly string[];
  /** Headers that pages of those origins may send beside `Authorization`, `Content-Type` and `Tidings-User`, such as `sentry-trace`. Default: none. */
  readonly corsHeaders?: readonly string[];
  /**
   * May a user write to another one or to themselves, show that they type, or keep a contact? Default: all may. A refusal is answered
   * `forbidden`, a throw or no answer within `limits.hostAnswerMs` `unavailable`. A message that was accepted once stays accepted.
   */
  readonly authorize?: Authorize;
  /**
   * May the viewer see whether the subject is online? Default: where they share a conversation or one has the other as a contact. After a
   * block neither is seen, whatever it answers; a failure counts as no.
   */
  readonly canSee?: CanSee;
  /**
   * Does the session of an open socket still hold? Called every `limits.revalidateMs`; false closes the socket with 4401,
   * `{ expiresAt }` (milliseconds since the Unix epoch) moves the end of its session. It is called once more shortly before that end, and when a
   * ticket opens a socket. A throw, or no answer in time, changes nothing: it is called again. `chat.disconnect` ends a session at once.
   */
  readonly revalidate?: Revalidate;
  /**
   * The path under which the chat is mounted, such as `/chat`; `chat` and `/chat/` are the same, and `/` is the root. Default: any prefix
   * of a path of the chat, so that `/chat/messages` and `/messages` are the same, and a socket may be opened at both `/chat/ws` and `/ws`.
   */
  readonly base?: string;
  /**
   * Which proxies in front of the server are trusted to name the client's address: how many, or their addresses. Default: none, and
   * `X-Forwarded-For` is ignored.
   */
  readonly trustProxy?: TrustProxy;
  /** How much one user, and one address, may do: replaces parts of the table in `protocol/rates.ts`; null: without a limit. `work` is in units of `protocol/costs.ts`. */
  readonly rates?: RateOptions;
  /** How absent devices are notified: `fcm`, `oneSignal`, `webPush`, `webhook`, or your own provider (docs/push.md). Default: not at all. */
  readonly push?: readonly PushProvider[];
  /**
   * Rewrites the notification of a device, or vetoes it with null. Default: that there is a new message, without its text. Where it throws, or
   * does not answer within `limits.hostAnswerMs`, the default is sent.
   */
  readonly onPush?: OnPush;
  /**
   * Your own code for each message: bots, moderation, e-mail. Called after the message is on disk, in the order of the log, on one node at a
   * time, at least once, whatever crashes (docs/hooks.md). Each of several hooks has its own position in the log, so that none waits for another. Default: none.
   *
   * @example
   * const hook: MessageHook = {
   *   handle: async ({ to, text }) => { if (to === "support") await mail("support@example.org", text); },
   * };
   * createChat({ ...options, onMessage: hook });
   */
  readonly onMessage?: MessageHook | readonly MessageHook[];
  /**
   * How many accounts a phone or browser holds at a time. `one` (default): a push token is stored once in the database, so that after a
   * change of workspace no notification of the previous one is shown. `several`: it is stored once in each tenant, and the app removes it
   * from a tenant by `DELETE /devices/{device}` (docs/push.md).
   */
  readonly accountsPerDevice?: "one" | "several";
  /** Replaces single limits of the table in `protocol/limits.ts`. */
  readonly limits?: Partial<Limits>;
  /**
   * How this node and others on the same database communicate: `nats({ servers })`, or your own transport. Without it they find each
   * other's commits by polling, and exchange neither typing nor presence.
   */
  readonly bus?: Transport;
  /** Time and chance; for simulators. */
  readonly clock?: Clock;
  readonly random?: Random;
};
