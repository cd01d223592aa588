import { type AdmitOptions, createAdmit } from "./access/admit.ts";
import { createCapacity } from "./access/capacity.ts";
import { createLimiter } from "./access/limiter.ts";
import { parseOrigins } from "./access/origin.ts";
import { createOrigination } from "./access/peer.ts";
import { createProof, createProve } from "./access/prove.ts";
import { createRefusedOrigins } from "./access/refused-origins.ts";
import type { Chat } from "./chat-api.ts";
import { createCalls } from "./chat-calls.ts";
import { createContext } from "./chat-context.ts";
import { createDatabases } from "./chat-databases.ts";
import type { ChatOptions } from "./chat-options.ts";
import { checkOptions } from "./check-options.ts";
import { ChatError } from "./error.ts";
import { createApi } from "./http/api.ts";
import { parseCorsHeaders } from "./http/cors.ts";
import { parseBase } from "./http/path.ts";
import { readRevalidated } from "./hub/revalidation.ts";
import { systemClock } from "./internal/clock.ts";
import { createLog } from "./internal/logger.ts";
import { systemRandom } from "./internal/random.ts";
import { withDeadline } from "./internal/deadline.ts";
import type { Identity } from "./model.ts";
import { costs } from "./protocol/costs.ts";
import { defaultLimits, type Limits } from "./protocol/limits.ts";
import { unavailableNow } from "./protocol/problem.ts";
import { ratesOf } from "./protocol/rates.ts";

export type { Chat } from "./chat-api.ts";

/**
 * Makes the chat: its databases, a hub around each, and the handlers that a host mounts.
 *
 * One database for all tenants is opened at once, and tried again while that can help: another process is about to release the file, the server
 * is still starting. Requests wait for the try under way; between two tries they are answered `unavailable`. Where `database` is a function, each
 * database is opened at the first request of its tenant, and tried again in the same way.
 *
 * @throws ChatError `config_invalid`: no `authenticate`, a malformed database URL, base or origin, limits that do not fit together.
 *
 * @example
 * const chat = createChat({ database: { url: "file:chat.db" }, authenticate: (request) => userOf(request) });
 * Bun.serve(bun(chat, { port: 6662 }));
 */
export function createChat(options: ChatOptions): Chat {
  checkOptions(options);
  const { authenticate, revalidate, clock = systemClock, random = systemRandom } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const origins = parseOrigins(options.origins ?? []);
  const corsHeaders = parseCorsHeaders(options.corsHeaders ?? []);
  const base = options.base === undefined ? undefined : parseBase(options.base);
  const limiter = createLimiter({ rates: ratesOf(options.rates), clock, turnUnitsMax: limits.turnUnitsMax });
  const originationOf = createOrigination(options.trustProxy);
  const log = createLog(["tidings", "chat"]);
  const capacity = createCapacity(limits);
  const host = { authenticate, now: clock.now, clock, answerMs: limits.hostAnswerMs };
  const prove = createProof(host);
  const context = createContext(options, { clock, random, limits, limiter, capacity, reauthenticate, log });
  const databases = createDatabases(options, { context, log });
  /** null: it is running. */
  let stopping: Promise<void> | null = null;
  const isStopping = (): boolean => stopping !== null;

  /** Only the host's `false` ends it, as with an open socket; where the host does not answer, the client tries again. */
  async function revalidateTicket({ tenant, user, device }: Identity & { readonly device: string }) {
    try {
      const asked = Promise.resolve(revalidate?.({ tenant, user, device }));
      const answer = await withDeadline(asked, { clock, ms: limits.hostAnswerMs, who: "revalidate" });
      return readRevalidated(answer, clock.now());
    } catch (error) {
      log.error("revalidate failed", { error });
      throw error;
    }
  }

  /** As with an upgrade, by a request that has the token and nothing else. */
  function reauthenticate(token: string, { url = "http://localhost/ws" }: { readonly url?: string | undefined }) {
    return prove(new Request(url, { headers: { authorization: `Bearer ${token}` } }));
  }

  const onRefusedOrigin = createRefusedOrigins(createLog(["tidings", "http"]));
  const hasRoom: AdmitOptions["hasRoom"] = (session, address) => capacity.has({ session, address });
  const admitOpen = createAdmit({
    ...{ ...host, onRefusedOrigin, origins, originationOf },
    ...(revalidate && { revalidate: revalidateTicket }),
    isDraining: isStopping,
    hasRoom,
    retryAfterMs: (doer) => limiter.take(doer, costs.connect),
    useTicket: databases.useTicket,
  });

  const api = createApi({
    prove: createProve(host),
    isHostAllowed: authenticate.isHostAllowed ?? (() => true),
    isDraining: isStopping,
    ...{ origins, onRefusedOrigin, hasRoom, clock, random, limits, limiter, originationOf, base, corsHeaders },
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

    ready: () => databases.ready(),

    isReady: () => !isStopping() && databases.trouble() === null,

    trouble: () => (isStopping() ? "stopping" : databases.trouble()),

    async admit(request, peer) {
      if (!(await databases.isOpen())) return unavailableNow("The database is not open");
      const admission = await admitOpen(request, peer);
      if (admission instanceof Response) return admission;
      try {
        const admitted = databases.admit(admission.session.tenant);
        const database = admitted instanceof Promise ? await admitted : admitted;
        const trouble = database.trouble();
        // A damaged database can still be read.
        if ((trouble === null || trouble === "damaged") && !isStopping()) return admission;
      } catch {
        // The reason is in the log already.
      }
      return unavailableNow("The store cannot be reached");
    },

    connect: (socket, { session, headers: _, ...arrival }) =>
      databases.connect(session.tenant).hub.connect(socket, session, arrival),

    fetch: (request, peer) => api(request, peer),

    ...createCalls({ databases, clock, random, limits, isStopping }),

    close: () => (stopping ??= databases.close(limits.shutdownMs)),

    counts: () => databases.counts(),

    sizes() {
      const sizes = databases.sizes();
      const { budget, watchBudget } = context;
      // All databases share these.
      return sizes && { ...sizes, ...capacity.sizes(), outboxBytes: budget.bytes(), watchedNames: watchBudget.names() };
    },
  };
}
