import { createLog } from "./internal/logger.ts";
import type { Chat, ConversationQuery, Disconnect, ExplainedPush, MessageQuery, Sent, ServerSend } from "./chat-api.ts";
import { appendMessage, orThrow, validateSend } from "./action/send.ts";
import { checkOptions } from "./check-options.ts";
import type { ChatOptions, DatabaseOfTenant, DatabaseOptions } from "./chat-options.ts";
import { createOutboxBudget } from "./connection/outbox-budget.ts";
import type { Socket, SocketEvents } from "./connection/socket.ts";
import { type Database, openDatabase } from "./tenant/database.ts";
import type { Databases } from "./tenant/databases.ts";
import { createPerTenant } from "./tenant/per-tenant.ts";
import type { DatabaseContext } from "./tenant/runtime.ts";
import { createSingle } from "./tenant/single.ts";
import { ChatError } from "./error.ts";
import { shareTransport } from "./bus/shared-transport.ts";
import type { Admission } from "./access/admission.ts";
import { createAdmit, createProof, createProve } from "./access/admit.ts";
import { createApi } from "./http/api.ts";
import { createHookHealth } from "./hook/hook-health.ts";
import { hooksOf } from "./hook/message-hook.ts";
import { parseCorsHeaders } from "./http/cors.ts";
import { parseOrigins } from "./access/origin.ts";
import { parseBase } from "./http/path.ts";
import { createOrigination, type Peer } from "./access/peer.ts";
import { problem } from "./protocol/problem.ts";
import { conversationFields, readConversations, readGivenPlace } from "./http/read-conversations.ts";
import { readMessages } from "./http/read-messages.ts";
import { createRefusedOrigins } from "./access/refused-origins.ts";
import { messageFields, readGivenSelectors } from "./http/selectors.ts";
import { createLimiter } from "./access/limiter.ts";
import { createRevalidation, readRevalidated } from "./hub/revalidation.ts";
import { createSightGate } from "./access/policy.ts";
import { createCapacity } from "./access/capacity.ts";
import { createWatchBudget } from "./hub/watch-budget.ts";
import { systemClock } from "./internal/clock.ts";
import { systemRandom } from "./internal/random.ts";
import { answerWithin } from "./internal/within.ts";
import type { Identity } from "./model.ts";
import { utf8Bytes } from "./internal/utf8.ts";
import { isIdentifier, isMessageId, storedMessageId } from "./protocol/identifier.ts";
import { costs } from "./protocol/costs.ts";
import { defaultLimits, type Limits } from "./protocol/limits.ts";
import { ratesOf } from "./protocol/rates.ts";
import { explainPush } from "./push/explain.ts";
import { createPushHealth } from "./push/health.ts";
import { createRequestLimit } from "./push/request-limit.ts";
import { openEngine } from "./store/engine/open.ts";
import { redactUrl } from "./store/engine/redact-url.ts";

export type { Chat } from "./chat-api.ts";

/**
 * Makes the chat: its databases, a hub around each, and the handlers that a host mounts.
 *
 * One database for all tenants is opened at once, and tried again while that can help: another process has the file and is leaving, the server
 * is still starting. Requests wait for the try under way; between two tries they are answered `unavailable`. Those of a function are opened as
 * their tenants come, and tried again in the same way.
 *
 * @throws ChatError `config_invalid`: no `authenticate`, a malformed database URL, base or origin, limits that do not fit together.
 *
 * @example
 * const chat = createChat({ database: { url: "file:chat.db" }, authenticate: (request) => userOf(request) });
 * Bun.serve(bun(chat, { port: 6662 }));
 */
export function createChat(options: ChatOptions): Chat {
  checkOptions(options);
  const { authenticate, clock = systemClock, random = systemRandom } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const origins = parseOrigins(options.origins ?? []);
  const corsHeaders = parseCorsHeaders(options.corsHeaders ?? []);
  const base = options.base === undefined ? undefined : parseBase(options.base);
  const limiter = createLimiter({ rates: ratesOf(options.rates), clock, turnUnitsMax: limits.turnUnitsMax });
  const originationOf = createOrigination(options.trustProxy);
  const { push: providers = [], onPush, bus } = options;
  const hooks = hooksOf(options.onMessage);
  const log = createLog(["tidings", "chat"]);
  const room = createCapacity(limits);
  const budget = createOutboxBudget({ bytesMax: limits.outboxTotalBytesMax });
  const watchBudget = createWatchBudget(limits);
  const { authorize, canSee, revalidate } = options;
  const context: DatabaseContext = {
    ...{ clock, random, limits, authorize, canSee, providers, onPush, hooks, limiter, room, budget, watchBudget },
    accountsPerDevice: options.accountsPerDevice,
    sight: createSightGate(),
    reauthenticate,
    slots: createRequestLimit({ perProviderMax: limits.pushRequestsMax }),
    health: createPushHealth({
      clock,
      onChange({ type, ...told }) {
        if (type === "failing") log.warn("a push provider refuses what it is asked: nothing was sent of late", told);
        else log.info("a push provider takes notifications again", told);
      },
    }),
    hookHealth: createHookHealth({
      clock,
      onChange({ type, ...told }) {
        if (type === "failing") log.warn("a hook of onMessage fails: it is called again until it succeeds", told);
        else log.info("a hook of onMessage succeeds again", told);
      },
    }),
    revalidation:
      revalidate &&
      createRevalidation({
        ...{ revalidate, clock, everyMs: limits.revalidateMs, answerMs: limits.hostAnswerMs },
        report: (error) => log.error("a connection failed", { error }),
      }),
  };
  const host = { authenticate, now: clock.now, clock, answerMs: limits.hostAnswerMs };
  const prove = createProof(host);
  const databases = typeof options.database === "function" ? perTenant(options.database) : single(options.database);
  let isDraining = false;
  let stopping: Promise<void> | null = null;

  function single(database: DatabaseOptions): Databases {
    return createSingle({
      ...{ clock, random, log, startMs: limits.startMs },
      async open() {
        const engine = (database.open ?? openEngine)(database);
        return await openDatabase({ ...database, engine, bus, log }, context);
      },
    });
  }

  function perTenant(databaseOf: DatabaseOfTenant): Databases {
    const shareOfBus = bus && shareTransport(bus);
    const cacheBytes = Math.floor(limits.databasesCacheBytesMax / limits.databasesMax);
    return createPerTenant({
      ...{ databaseOf, clock, random, limits, log },
      async open(database, onLeave) {
        const share = shareOfBus?.();
        try {
          const engine = (database.open ?? openEngine)({ ...database, cacheBytes });
          const own = log.with({ database: redactUrl(database.url) });
          const opened = await openDatabase({ ...database, engine, bus: share, log: own, onLeave }, context);
          void opened.released.then(() => share?.close());
          return opened;
        } catch (error) {
          await share?.close();
          throw error;
        }
      },
    });
  }

  /** For the server's own code: what keeps the chat from serving is told as it is. */
  async function use<T>(tenant: string, task: (database: Database) => Promise<T>): Promise<T> {
    const { database, release } = await databases.lease(tenant);
    try {
      return await task(database);
    } finally {
      release();
    }
  }

  /** Only the host's no ends it, as with an open socket; where the host does not answer, the client tries again. */
  async function revalidateTicket({ tenant, user, device }: Identity & { readonly device: string }) {
    try {
      const asked = Promise.resolve(revalidate?.({ tenant, user, device }));
      return readRevalidated(await answerWithin(clock, limits.hostAnswerMs, asked, "revalidate"), clock.now());
    } catch (error) {
      log.error("revalidate failed", { error });
      throw error;
    }
  }

  /** As with an upgrade, by a request that has the token and nothing else. */
  function reauthenticate(token: string, { url = "http://localhost/ws" }: { readonly url?: string | undefined }) {
    return prove(new Request(url, { headers: { authorization: `Bearer ${token}` } }));
  }

  const shuttingDown = () => new ChatError("unavailable", "The chat is shutting down");

  /** As whom the server's own code reads. */
  function readerOf(asked: { readonly user: string; readonly tenant?: string }, fields: readonly string[]): Identity {
    refuseUnknown(asked, ["user", "tenant", ...fields]);
    const { user, tenant = "default" } = asked;
    if (isDraining) throw shuttingDown();
    if (!isIdentifier(user) || !isIdentifier(tenant)) throw new ChatError("bad_request", "user or tenant is malformed");
    return { tenant, user };
  }

  const onRefusedOrigin = createRefusedOrigins(createLog(["tidings", "http"]));
  const admitOpen = createAdmit({
    ...host,
    onRefusedOrigin,
    origins,
    ...(revalidate && { revalidate: revalidateTicket }),
    isDraining: () => isDraining,
    hasRoom: (session, address) => room.has({ session, address }),
    originationOf,
    mustWait: (doer) => limiter.take(doer, costs.connect),
    useTicket: databases.useTicket,
  });

  const api = createApi({
    prove: createProve(host),
    isHostAllowed: authenticate.isHostAllowed ?? (() => true),
    isDraining: () => isDraining,
    ...{ origins, onRefusedOrigin, clock, random, limits, limiter, originationOf, base, corsHeaders },
    ticketOf: databases.ticketOf,
    async parts(tenant) {
      try {
        const { database, release } = await databases.lease(tenant);
        return { ...database.parts, release };
      } catch (cause) {
        throw new ChatError("unavailable", "The database cannot be used now", { cause });
      }
    },
  });

  return {
    limits,

    base,

    ready: (): Promise<void> => databases.ready(),

    isReady: (): boolean => !isDraining && databases.trouble() === null,

    trouble: () => (isDraining ? "stopping" : databases.trouble()),

    async admit(request: Request, peer?: Peer): Promise<Admission | Response> {
      if (!(await databases.isOpen()))
        return problem("unavailable", "The database is not open", { headers: { "Retry-After": "1" } });
      const answer = await admitOpen(request, peer);
      if (answer instanceof Response) return answer;
      try {
        const admitted = databases.admit(answer.session.tenant);
        const database = admitted instanceof Promise ? await admitted : admitted;
        const trouble = database.trouble();
        // Of a damaged database everybody still reads what can be read.
        if ((trouble === null || trouble === "damaged") && !isDraining) return answer;
      } catch {
        // Whoever failed has logged why.
      }
      return problem("unavailable", "The store cannot be reached", { headers: { "Retry-After": "1" } });
    },

    connect(socket: Socket, { session, device, cursor, level, address, url, admittedAt }: Admission): SocketEvents {
      return databases.connect(session.tenant).hub.connect(socket, session, {
        device,
        ...(cursor !== undefined && { cursor }),
        ...(level !== undefined && { level }),
        ...(address !== undefined && { address }),
        ...(url !== undefined && { url }),
        ...(admittedAt !== undefined && { admittedAt }),
      });
    },

    fetch: (request: Request, peer?: Peer): Promise<Response> => api(request, peer),

    async send(send: ServerSend): Promise<Sent> {
      refuseUnknown(send, ["from", "to", "text", "tenant", "id"]);
      const { from, to, text, tenant = "default", id = random.messageId(clock.now()) } = send;
      if (isDraining) throw shuttingDown();
      if (!isIdentifier(from) || !isIdentifier(tenant))
        throw new ChatError("bad_request", "from or tenant is malformed");
      if (!isMessageId(id)) throw new ChatError("bad_request", "id is not a canonical UUID");
      if (typeof text !== "string") throw new ChatError("bad_request", "text is not a string");
      const fault = validateSend({ from, to, text }, limits);
      if (fault) throw fault;
      const outcome = await use(tenant, ({ store }) => appendMessage(store, { tenant, from, to, id, text }));
      const { conversation, seq, time, duplicate } = orThrow(outcome);
      return { id, conversation, seq, time, duplicate };
    },

    async conversations(asked: ConversationQuery) {
      const identity = readerOf(asked, Object.keys(conversationFields));
      const place = readGivenPlace(asked, limits);
      return await use(identity.tenant, async ({ store }) => (await readConversations(store, identity, place)).page);
    },

    async messages(asked: MessageQuery) {
      const identity = readerOf(asked, Object.keys(messageFields));
      return await use(identity.tenant, ({ store }) =>
        readMessages(store, identity, readGivenSelectors(asked, { limits, cursors: store.cursors })),
      );
    },

    async disconnect(whom: Disconnect): Promise<void> {
      refuseUnknown(whom, ["user", "tenant", "device", "reason"]);
      const { user, tenant = "default", device, reason = "the session was ended" } = whom;
      if (isDraining) throw shuttingDown();
      if (![user, tenant, device ?? user].every(isIdentifier))
        throw new ChatError("bad_request", "user, tenant or device is malformed");
      // A close frame has room for 123 bytes (RFC 6455 section 5.5).
      if (typeof reason !== "string" || reason.includes("\0") || utf8Bytes(reason) > 100 || !reason.isWellFormed())
        throw new ChatError("bad_request", "reason is no text of at most 100 bytes");
      await use(tenant, ({ store }) => store.revoke({ tenant, user }, { device, reason, time: clock.now() }));
    },

    async explainPush(asked: ExplainedPush) {
      refuseUnknown(asked, ["message", "user", "tenant"]);
      const { message, user, tenant = "default" } = asked;
      // Of what cannot be a tenant there is nothing to explain, and no host is asked for its database.
      if (!isIdentifier(tenant) || !isMessageId(message)) return [];
      return await use(tenant, ({ store }) => explainPush(store.push, { tenant, user }, storedMessageId(message)));
    },

    close(): Promise<void> {
      isDraining = true;
      stopping ??= databases.close(limits.shutdownMs);
      return stopping;
    },

    counts: () => databases.counts(),

    sizes() {
      const sizes = databases.sizes();
      // All databases share these.
      return sizes && { ...sizes, ...room.sizes(), outboxBytes: budget.bytes(), watchedNames: watchBudget.names() };
    },
  };
}

/** As in a frame: nobody must believe that a field counts which nothing reads, such as a misspelt `tenant`. */
function refuseUnknown(given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new ChatError(
    "bad_request",
    `There is no field ${JSON.stringify(unknown.slice(0, 64))}: the fields are ${known.join(", ")}`,
  );
}
