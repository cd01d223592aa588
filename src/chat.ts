import { getLogger } from "@logtape/logtape";
import type { Socket, SocketEvents } from "./connection/socket.ts";
import { ChatError } from "./error.ts";
import type { Bus } from "./feed/bus.ts";
import { createFeed } from "./feed/feed.ts";
import type { Admission } from "./http/admission.ts";
import { createAdmit, createProve } from "./http/admit.ts";
import { createApi } from "./http/api.ts";
import type { Authenticate } from "./http/authenticate.ts";
import { parseOrigins } from "./http/origin.ts";
import { problem } from "./http/problem.ts";
import { createHub, type HubEvent } from "./hub/hub.ts";
import { type Clock, systemClock } from "./internal/clock.ts";
import { within } from "./internal/within.ts";
import { type Random, systemRandom } from "./internal/random.ts";
import { closeCode } from "./protocol/close-code.ts";
import { refuseContent } from "./protocol/decode.ts";
import { isIdentifier, isMessageId } from "./protocol/identifier.ts";
import { defaultLimits, faultOfLimits, type Limits } from "./protocol/limits.ts";
import type { Engine } from "./store/engine/engine.ts";
import { openEngine } from "./store/engine/open.ts";
import { createStore } from "./store/libsql-store.ts";
import { bundledMigrations } from "./store/migration/bundled.ts";
import { migrate, pending } from "./store/migration/migrate.ts";
import type { Outcome, Store } from "./store/store.ts";

export type DatabaseOptions = {
  /** `file:` and a path, or the `libsql:`, `https:` or `http:` URL of a libSQL server. */
  readonly url: string;
  readonly authToken?: string;
  /** Whether pending migrations are applied at the start. Default: for a file they are; a remote database with any is refused. */
  readonly migrate?: boolean;
  /** Opens the database; default: the engine that the URL asks for. */
  readonly open?: (options: { readonly url: string; readonly authToken?: string }) => Engine;
};

export type ChatOptions = {
  readonly database: DatabaseOptions;
  /** Says who makes a request; null: nobody. Required: Tidings never guesses. */
  readonly authenticate: Authenticate & { readonly isHostAllowed?: (request: Request) => boolean };
  /** Origins that may use the chat beside the server's own, such as `https://app.example`. */
  readonly origins?: readonly string[];
  /**
   * The path under which the chat is mounted, such as `/chat`; the root is the empty text. Default: wherever a path of the chat begins,
   * so that `/chat/messages` and `/messages` are the same.
   */
  readonly base?: string;
  /** Replaces single limits of the table in `protocol/limits.ts`. */
  readonly limits?: Partial<Limits>;
  /** How this node and others on the same database tell each other of commits; without it they find out by polling. */
  readonly bus?: Bus;
  /** Time and chance; for simulators. */
  readonly clock?: Clock;
  readonly random?: Random;
};

/** A message from the server's own code. */
export type ServerSend = {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** Default `default`. */
  readonly tenant?: string;
  /** The idempotency key, a canonical lower-case UUID; default: a fresh one. Keep it to retry. */
  readonly id?: string;
};

export type Sent = {
  readonly id: string;
  readonly conversation: string;
  readonly seq: number;
  readonly time: number;
  readonly duplicate: boolean;
};

export type Chat = ReturnType<typeof createChat>;

/**
 * Makes the chat: one database, the hub around it, and the handlers that a host mounts.
 *
 * It opens the database at once, and upgrades wait until that is done; `ready()` waits for it and tells what is wrong.
 *
 * @throws ChatError `config_invalid`: no `authenticate`, a malformed origin, limits that do not fit together.
 *
 * @example
 * const chat = createChat({ database: { url: "file:chat.db" }, authenticate: (request) => userOf(request) });
 * Bun.serve(bun(chat, { port: 6662 }));
 */
export function createChat(options: ChatOptions) {
  if (typeof options.authenticate !== "function")
    throw new ChatError("config_invalid", "createChat needs authenticate: it alone says who makes a request");
  const { authenticate, clock = systemClock, random = systemRandom } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const fault = faultOfLimits(limits);
  if (fault !== null) throw new ChatError("config_invalid", `The limits do not fit together: ${fault}`);
  const origins = parseOrigins(options.origins ?? []);
  const log = getLogger(["tidings", "chat"]);
  let isDraining = false;
  let parts: { store: Store; hub: ReturnType<typeof createHub>; feed: ReturnType<typeof createFeed> } | null = null;
  let stopping: Promise<void> | null = null;

  const opening = open();
  // Whoever wants to know asks `ready()`; a host that never does must not end by an unhandled rejection.
  opening.catch((error: unknown) => log.error("the chat cannot start", { error }));

  async function open(): Promise<void> {
    const engine = (options.database.open ?? openEngine)(options.database);
    try {
      await applyMigrations(engine, options.database);
      const store = createStore({
        engine,
        clock,
        random,
        limits,
        onFault: (error) => log.error("the store failed", { error }),
      });
      const feed = createFeed({
        store,
        clock,
        limits,
        bus: options.bus,
        onNewEpoch: () => parts?.hub.disconnectAll(closeCode.restart, "new epoch"),
      });
      await feed.start();
      const hub = createHub({ store, feed, clock, limits, report });
      parts = { store, hub, feed };
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  function report(event: HubEvent): void {
    const { type, ...properties } = event;
    if (event.type === "fault") log.error("a connection failed", { error: event.fault });
    else log.debug(type, properties);
  }

  const admitOpen = createAdmit({
    authenticate,
    origins,
    now: clock.now,
    isDraining: () => isDraining,
    hasRoom: (session) => parts?.hub.hasRoom(session) ?? false,
  });

  const api = createApi({
    prove: createProve({ authenticate, now: clock.now }),
    isHostAllowed: authenticate.isHostAllowed ?? (() => true),
    isDraining: () => isDraining,
    ...{ origins, limits, base: options.base },
    async store() {
      await opening.catch(() => {});
      if (parts) return parts.store;
      throw new ChatError("unavailable", "The chat could not start");
    },
  });

  return {
    /** The limits in force. */
    limits,

    /** The path under which it is mounted, where that was said. */
    base: options.base,

    /** Resolves once the chat serves; rejects with the ChatError that keeps it from doing so. */
    ready: (): Promise<void> => opening,

    /** Whether it serves now: the database answers and no shutdown has begun. */
    isReady: (): boolean => !isDraining && (parts?.store.isAvailable() ?? false),

    /** Decides on an upgrade: the admission to connect with, or the refusal to answer. Never rejects. */
    async admit(request: Request): Promise<Admission | Response> {
      const isOpen = await opening.then(
        () => true,
        () => false,
      );
      if (!isOpen) return problem("unavailable", "The chat could not start");
      const answer = await admitOpen(request);
      if (answer instanceof Response || parts?.store.isAvailable()) return answer;
      return problem("unavailable", "The store cannot be reached", { headers: { "Retry-After": "1" } });
    },

    /** Takes over an upgraded socket. For adapters. */
    connect(socket: Socket, { session, device, cursor }: Admission): SocketEvents {
      if (!parts) throw new ChatError("internal", "A socket was connected before it was admitted");
      return parts.hub.connect(socket, session, { device, ...(cursor === undefined ? {} : { cursor }) });
    },

    /** Answers a request under the path where the chat is mounted: the HTTP API (PROTOCOL 5). Never rejects. */
    fetch: (request: Request): Promise<Response> => api(request),

    /**
     * Sends a message from the server's own code, by the way that every message goes.
     *
     * @throws ChatError `invalid_recipient`, `too_large`, `bad_request`, `conflict`, `unavailable` (retry with the same id).
     *
     * @example
     * await chat.send({ from: "shop", to: "alice", text: "Your order shipped" });
     */
    async send({ from, to, text, tenant = "default", id = random.messageId(clock.now()) }: ServerSend): Promise<Sent> {
      await opening;
      if (!parts || isDraining) throw new ChatError("unavailable", "The chat is shutting down");
      if (!isIdentifier(from) || !isIdentifier(tenant))
        throw new ChatError("bad_request", "from or tenant is malformed");
      if (!isMessageId(id)) throw new ChatError("bad_request", "id is not a canonical lower-case UUID");
      if (from === to) throw new ChatError("invalid_recipient", "One cannot write to oneself");
      if (typeof text !== "string") throw new ChatError("bad_request", "text is not a string");
      const refusal = refuseContent(text, to, limits);
      if (refusal) throw new ChatError(refusal.code === "bad_frame" ? "bad_request" : refusal.code, refusal.message);
      const { store } = parts;
      const outcome = await new Promise<Outcome>((resolve) => store.append({ tenant, from, to, id, text }, resolve));
      if (outcome.type === "refused")
        throw new ChatError(outcome.code, `The message was not accepted: ${outcome.code.replaceAll("_", " ")}`);
      const { conversation, seq, time, duplicate } = outcome;
      return { id, conversation, seq, time, duplicate };
    },

    /**
     * Shuts down: no new connections, sends under way are answered, sockets close with 1012 in waves, what waits is
     * committed, the database is released. Resolves within `limits.shutdownMs`.
     */
    close(): Promise<void> {
      stopping ??= (async () => {
        isDraining = true;
        const storeMs = Math.min(storeCloseMsMax, limits.shutdownMs / 4);
        const openMs = limits.shutdownMs - storeMs;
        await within(clock, openMs, opening).catch(() => {});
        if (!parts) return;
        parts.feed.stop();
        await parts.hub.stop(openMs);
        // A store that hangs must not keep the process.
        await within(clock, storeMs, parts.store.close());
      })();
      return stopping;
    },

    /** Sizes of what is held in memory: 0 once everybody has left. */
    sizes: () => parts?.hub.sizes() ?? null,
  };
}

/** The part of a shutdown that is kept for the store's last commits. */
const storeCloseMsMax = 2_000;

async function applyMigrations(engine: Engine, { url, migrate: wanted }: DatabaseOptions): Promise<void> {
  if (wanted ?? url.startsWith("file:")) {
    await migrate(engine, bundledMigrations);
    return;
  }
  const waiting = await pending(engine, bundledMigrations);
  if (waiting.length === 0) return;
  const names = waiting.map(({ version, name }) => `${version}_${name}`).join(", ");
  throw new ChatError(
    "migration_refused",
    `The database has pending migrations (${names}): run "tidings migrate up" against it, then start again`,
  );
}
