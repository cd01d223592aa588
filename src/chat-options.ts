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
   * The token of a libSQL server, or a function that answers it, for tokens that expire: asked at the start, and again when the server has
   * refused its token, once for all requests that wait for it; these are then repeated. A throw, what is no token, or no answer within ten
   * seconds is answered `unavailable`; it is asked again after 1 s at the earliest, then later and later, up to 30 s. A file needs none.
   */
  readonly authToken?: AuthToken;
  /** Whether pending migrations are applied at the start. Default: for a file they are; a remote database with any is refused. */
  readonly migrate?: boolean;
  /** Opens the database; default: the engine that the URL asks for. */
  readonly open?: (options: { readonly url: string; readonly authToken?: AuthToken }) => Engine;
};

/**
 * Names a tenant's database: opened when the tenant is first heard of, closed when nobody has needed it for `limits.databaseIdleMs`, and
 * asked for again then. Tenants with the same URL, to the letter, share a database. null: there is no such tenant. A throw, null for a tenant
 * that `authenticate` proved, or no answer within `limits.hostAnswerMs`, is answered `unavailable`.
 */
export type DatabaseOfTenant = (tenant: string) => DatabaseOptions | null | Promise<DatabaseOptions | null>;

export type ChatOptions = {
  /** One database for all tenants, or a function that names one for each (docs/database.md). */
  readonly database: DatabaseOptions | DatabaseOfTenant;
  /**
   * Says who makes a request; null: nobody. Required: Tidings never guesses. A throw, or no answer within `limits.hostAnswerMs`, is answered 503
   * `unavailable`, and logged.
   */
  readonly authenticate: Authenticate & { readonly isHostAllowed?: (request: Request) => boolean };
  /**
   * Origins that may use the chat beside the server's own, such as `https://app.example`, each as browsers send it. `app://.` and `file://` are
   * pages of Electron. `null` is any sandboxed page and any local file of anybody: see docs/security.md before you allow it. Default: none.
   */
  readonly origins?: readonly string[];
  /** Headers that pages of those origins may send beside `Authorization` and `Content-Type`, such as `sentry-trace`. Default: none. */
  readonly corsHeaders?: readonly string[];
  /**
   * May somebody write to another one, show them that they type, or keep them as a contact? Default: everybody may. A refusal is answered
   * `forbidden`, a throw or no answer within `limits.hostAnswerMs` `unavailable`. What was accepted once stays accepted.
   */
  readonly authorize?: Authorize;
  /**
   * May the viewer see whether the subject is online? Default: where they share a conversation or one has the other as a contact. Who
   * has blocked the other is never seen, whatever it says; its failure is a no.
   */
  readonly canSee?: CanSee;
  /**
   * Does the session of an open socket still hold? Asked every `limits.revalidateMs`; false closes the socket with 4401,
   * `{ expiresAt }` (milliseconds since the Unix epoch) moves the end of its session. It is asked once more shortly before that end, and when a
   * ticket opens a socket. A throw, or no answer in time, is no answer: it is asked again. For what ends a session at once there is `chat.disconnect`.
   */
  readonly revalidate?: Revalidate;
  /**
   * The path under which the chat is mounted, such as `/chat`; `chat` and `/chat/` are the same, and `/` is the root. Default: wherever a path of
   * the chat begins, so that `/chat/messages` and `/messages` are the same, and a socket may be opened at both `/chat/ws` and `/ws`.
   */
  readonly base?: string;
  /**
   * Which proxies in front of the server are believed about where a request comes from: how many, or their addresses. Default: none, and
   * `X-Forwarded-For` counts for nothing.
   */
  readonly trustProxy?: TrustProxy;
  /** How much one user, and one address, may do: replaces parts of the table in `protocol/rates.ts`; null: without a limit. `work` is in units of `protocol/costs.ts`. */
  readonly rates?: RateOptions;
  /** How devices are notified while they are away: `fcm`, `oneSignal`, `webPush`, `webhook`, or one's own (docs/push.md). Default: not at all. */
  readonly push?: readonly PushProvider[];
  /**
   * Rewrites what a device is shown, or vetoes it with null. Default: that there is a new message, and nothing of it. Where it throws, or
   * does not answer within `limits.hostAnswerMs`, that default goes out.
   */
  readonly onPush?: OnPush;
  /**
   * What your own code does about each message: bots, moderation, e-mail. Called after the message is on disk, in the order of the log, on one node at a
   * time, at least once, whatever crashes (docs/hooks.md). Several hooks have a place in the log each, so that none waits for another. Default: nothing.
   *
   * @example
   * const hook: MessageHook = {
   *   handle: async ({ to, text }) => { if (to === "support") await mail("support@example.org", text); },
   * };
   * createChat({ ...options, onMessage: hook });
   */
  readonly onMessage?: MessageHook | readonly MessageHook[];
  /**
   * How many accounts a phone or browser holds at a time. `one` (default): a push token has one place in the database, so that after a
   * change of workspace nothing of the one before is shown any more. `several`: it has a place in each tenant, and the app takes it away
   * from a tenant by `DELETE /devices/{device}` (docs/push.md).
   */
  readonly accountsPerDevice?: "one" | "several";
  /** Replaces single limits of the table in `protocol/limits.ts`. */
  readonly limits?: Partial<Limits>;
  /**
   * How this node and others on the same database speak to each other: `nats({ servers })`, or one's own. Without it they find each
   * other's commits by polling, and neither typing nor presence crosses.
   */
  readonly bus?: Transport;
  /** Time and chance; for simulators. */
  readonly clock?: Clock;
  readonly random?: Random;
};
