import { getLogger } from "@logtape/logtape";
import type { ChatOptions } from "./chat-options.ts";
import type { Socket, SocketEvents } from "./connection/socket.ts";
import { ChatError } from "./error.ts";
import { createFeed } from "./feed/feed.ts";
import type { Admission } from "./http/admission.ts";
import { createAdmit, createProve } from "./http/admit.ts";
import { createApi } from "./http/api.ts";
import { parseOrigins } from "./http/origin.ts";
import { createOrigination, type Peer } from "./http/peer.ts";
import { hashOfTicket } from "./http/ticket.ts";
import { problem } from "./http/problem.ts";
import { createHub, type HubEvent } from "./hub/hub.ts";
import { createLimiter } from "./hub/limiter.ts";
import { createPolicy, type Policy } from "./hub/policy.ts";
import { systemClock } from "./internal/clock.ts";
import { within } from "./internal/within.ts";
import { systemRandom } from "./internal/random.ts";
import { closeCode } from "./protocol/close-code.ts";
import { refuseContent } from "./protocol/decode.ts";
import { isIdentifier, isMessageId } from "./protocol/identifier.ts";
import { defaultLimits, faultOfLimits, type Limits } from "./protocol/limits.ts";
import { faultOfRates, ratesOf } from "./protocol/rates.ts";
import { explainPush, type PushExplanation } from "./push/explain.ts";
import { faultOfProviders, type PushProvider } from "./push/provider.ts";
import { createPushWorker, type PushWorker } from "./push/worker.ts";
import { openEngine } from "./store/engine/open.ts";
import { createStore } from "./store/libsql-store.ts";
import { applyMigrations } from "./store/migration/apply.ts";
import type { Outcome, Store } from "./store/store.ts";

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

/** Whose notifications of which message are asked about. */
export type ExplainedPush = {
  /** The message's id. */
  readonly message: string;
  readonly user: string;
  /** Default `default`. */
  readonly tenant?: string;
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
  const rates = ratesOf(options.rates);
  const rateFault = faultOfRates(rates);
  if (rateFault !== null) throw new ChatError("config_invalid", `The rates cannot be kept: ${rateFault}`);
  const limiter = createLimiter({ rates, clock });
  const originationOf = createOrigination(options.trustProxy);
  const { push: providers = [], onPush } = options;
  const providerFault = faultOfProviders(providers);
  if (providerFault !== null) throw new ChatError("config_invalid", providerFault);
  const log = getLogger(["tidings", "chat"]);
  let isDraining = false;
  let parts: {
    store: Store;
    policy: Policy;
    hub: ReturnType<typeof createHub>;
    feed: ReturnType<typeof createFeed>;
    push: { readonly providers: readonly PushProvider[]; readonly worker: PushWorker | null };
  } | null = null;
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
        onNewEpoch() {
          parts?.hub.disconnectAll(closeCode.restart, "new epoch");
          parts?.push.worker?.restart();
        },
      });
      await feed.start();
      const { authorize, canSee } = options;
      const policy = createPolicy({
        ...{ authorize, canSee, store, clock, answerMs: limits.hostAnswerMs },
        report: (error) => log.error("a rule of the host failed", { error }),
      });
      const hub = createHub({ store, feed, clock, limits, policy, limiter, report });
      const worker =
        providers.length === 0
          ? null
          : createPushWorker({
              ...{ store, feed, clock, random, limits, providers, onPush },
              presenceOf(identity, device) {
                const silentMs = hub.silentMs(identity, device);
                return silentMs === null ? "none" : silentMs < limits.pushIdleAfterMs ? "active" : "idle";
              },
              isAlone: engine.isExclusive === true,
              report: (error) => log.warn("a push failed", { error }),
            });
      parts = { store, policy, hub, feed, push: { providers, worker } };
      worker?.start();
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
    hasRoom: (session, address) => parts?.hub.hasRoom(session, address) ?? false,
    originationOf,
    mustWait: (doer) => limiter.take("connects", doer),
    async useTicket(ticket) {
      const hash = await hashOfTicket(ticket);
      return hash === null ? null : ((await parts?.store.useTicket(hash, clock.now())) ?? null);
    },
  });

  const api = createApi({
    prove: createProve({ authenticate, now: clock.now }),
    isHostAllowed: authenticate.isHostAllowed ?? (() => true),
    isDraining: () => isDraining,
    ...{ origins, clock, random, limits, limiter, originationOf, base: options.base },
    async parts() {
      await opening.catch(() => {});
      if (parts) return parts;
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

    /** Decides on an upgrade: the admission to connect with, or the refusal to answer. Never rejects. `peer`: who the socket says it is from. */
    async admit(request: Request, peer?: Peer): Promise<Admission | Response> {
      const isOpen = await opening.then(
        () => true,
        () => false,
      );
      if (!isOpen) return problem("unavailable", "The chat could not start");
      const answer = await admitOpen(request, peer);
      if (answer instanceof Response || parts?.store.isAvailable()) return answer;
      return problem("unavailable", "The store cannot be reached", { headers: { "Retry-After": "1" } });
    },

    /** Takes over an upgraded socket. For adapters. */
    connect(socket: Socket, { session, device, cursor, address }: Admission): SocketEvents {
      if (!parts) throw new ChatError("internal", "A socket was connected before it was admitted");
      return parts.hub.connect(socket, session, {
        device,
        ...(cursor !== undefined && { cursor }),
        ...(address !== undefined && { address }),
      });
    },

    /** Answers a request under the path where the chat is mounted: the HTTP API (PROTOCOL 5). Never rejects. */
    fetch: (request: Request, peer?: Peer): Promise<Response> => api(request, peer),

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
     * Why the devices of a user were, or were not, notified of a message: one explanation for each sender who used the id.
     *
     * @throws ChatError `unavailable`.
     *
     * @example
     * const [why] = await chat.explainPush({ message: id, user: "alice" });
     */
    async explainPush({ message, user, tenant = "default" }: ExplainedPush): Promise<readonly PushExplanation[]> {
      await opening;
      if (!parts) throw new ChatError("unavailable", "The chat could not start");
      return await explainPush(parts.store.push, { tenant, user }, message);
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
        await parts.push.worker?.stop(openMs / 4);
        parts.feed.stop();
        await parts.hub.stop((openMs * 3) / 4);
        // A store that hangs must not keep the process.
        await within(clock, storeMs, parts.store.close());
      })();
      return stopping;
    },

    /** Sizes of what is held in memory: 0 once everybody has left. */
    sizes: () => (parts === null ? null : { ...parts.hub.sizes(), ...parts.push.worker?.sizes() }),
  };
}

/** The part of a shutdown that is kept for the store's last commits. */
const storeCloseMsMax = 2_000;
