import { readParameters } from "../internal/query-string.ts";
import { createSharedText } from "../internal/shared-text.ts";
import { levelMax } from "../log/log-kinds.ts";
import type { Session } from "../model.ts";
import { isCursor } from "../protocol/cursor.ts";
import { defaultDevice, isIdentifier } from "../protocol/identifier.ts";
import { problem, tooOften } from "../protocol/problem.ts";
import type { Admission } from "./admission.ts";
import { type Doer, doerOf } from "./limiter.ts";
import { addressedBy, isOriginAllowed } from "./origin.ts";
import { createOrigination, type Origination, type Peer } from "./peer.ts";
import { createProve, nobody, type ProveOptions } from "./prove.ts";
import type { RefusedOrigin } from "./refused-origins.ts";

/** The surroundings of an admission. */
export type AdmitOptions = ProveOptions & {
  /** Allowed origins beside the server's own, as `parseOrigins` gives them. */
  readonly origins: readonly string[];
  /** Called for each origin that is refused. */
  readonly onRefusedOrigin?: (refused: RefusedOrigin) => void;
  /** Is the server shutting down? */
  readonly isDraining?: () => boolean;
  /** Is there room for one more connection of this user, of this address, and on this process? */
  readonly hasRoom?: (session: Session, address: string | undefined) => boolean;
  /** Where a request comes from; default: from an address that is not counted. */
  readonly originationOf?: (request: Request, peer?: Peer) => Origination;
  /** How many milliseconds a user, or an address, must wait before they may connect; 0: not at all. */
  readonly retryAfterMs?: (doer: Doer) => number;
  /** Whether the session of a ticket still holds, now that it opens a socket, or its new end; default: it holds. */
  readonly revalidate?: ((session: Session & { readonly device: string }) => Promise<boolean | number>) | undefined;
  /** Uses up a ticket; null where it is not valid. Without this function there are no tickets. */
  readonly useTicket?: (ticket: string) => Promise<Session | null>;
};

const subprotocol = "tidings.v1";
const parameters = ["device", "cursor", "level", "ticket"];

/**
 * Decides on upgrades: every refusal of PROTOCOL 2 is made here, before the upgrade. Never rejects.
 *
 * Answers the first refusal that applies, as problem+json: 426 not a WebSocket request · 403 foreign host · 403 foreign
 * origin · 503 shutting down · 400 malformed `device`, `cursor`, `level` or `ticket` · 429 this address too often · 401 not authenticated, or expired · 500 a malformed
 * proof from the host's `authenticate` · 503 it throws · 429 this user too often · 429 no room. A `ticket` alone authenticates its request. `authenticate` is called only after the cheap checks.
 *
 * `Admission.headers` must go on the 101 as they are. `Sec-WebSocket-Protocol` is `tidings.v1` where the client offered it
 * (RFC 6455 section 4.2.2), and empty where it offered only others: an empty value stops Bun from echoing the first offer, which may
 * be a token. Adapters of runtimes that would send an empty header leave it out.
 *
 * @example
 * const admit = createAdmit({ authenticate: demo(), origins: [], now: () => clock.now() });
 * const admission = await admit(request);
 * if (admission instanceof Response) return admission;
 */
export function createAdmit(options: AdmitOptions): (request: Request, peer?: Peer) => Promise<Admission | Response> {
  const { authenticate, origins, isDraining = () => false, hasRoom = () => true, retryAfterMs = () => 0 } = options;
  const { originationOf = createOrigination(), useTicket, revalidate, clock, onRefusedOrigin } = options;
  const isHostAllowed = authenticate.isHostAllowed ?? (() => true);
  const prove = createProve(options);
  const urlOf = createUrlOf();

  async function proveByTicket(ticket: string, device: string): Promise<Session | Response> {
    try {
      const session = (await useTicket?.(ticket)) ?? null;
      if (session === null || (session.expiresAt ?? Infinity) <= options.now()) return unauthenticated();
      const held = await revalidate?.({ ...session, device });
      if (held === false || (typeof held === "number" && held <= options.now())) return unauthenticated();
      return typeof held === "number" ? { ...session, expiresAt: held } : session;
    } catch {
      return problem("unavailable", "The identity cannot be checked now");
    }
  }

  return async (request, peer) => {
    if (!isUpgrade(request)) return needsUpgrade();
    if (!isHostAllowed(request))
      return problem("forbidden", "This host is not served: the demo serves only loopback hosts, such as localhost");
    const origination = originationOf(request, peer);
    const { address } = origination;
    const origin = request.headers.get("origin");
    const addressed = addressedBy(request, origination);
    if (!isOriginAllowed(origin, { ...addressed, allowed: origins })) {
      if (origin !== null) onRefusedOrigin?.({ origin, ...addressed, allowed: origins });
      return problem("forbidden", "The Origin is not allowed here");
    }
    if (isDraining()) return drained();
    const [device = defaultDevice, cursor, level, ticket] = readParameters(request.url, parameters);
    if (!isIdentifier(device)) return problem("bad_request", "The parameter device is malformed");
    if (cursor === null || (cursor !== undefined && !isCursor(cursor)))
      return problem("bad_request", "The parameter cursor is malformed");
    if (level === null || (level !== undefined && !/^[1-9][0-9]{0,8}$/.test(level)))
      return problem("bad_request", "The parameter level is malformed");
    if (ticket === null) return problem("bad_request", "The parameter ticket is malformed");
    const admittedAt = clock?.elapsed();
    const addressMs = retryAfterMs({ address });
    if (addressMs > 0) return tooOften(addressMs);
    const session = ticket === undefined || !useTicket ? await prove(request) : await proveByTicket(ticket, device);
    if (session instanceof Response) return session;
    const userMs = retryAfterMs(doerOf(session));
    if (userMs > 0) return tooOften(userMs);
    // The shutdown may have begun meanwhile.
    if (isDraining()) return drained();
    if (!hasRoom(session, address)) return tooManyConnections();
    return {
      ...{ session, device, headers: subprotocolHeaders(request), ...urlOf(request.url) },
      ...(cursor !== undefined && { cursor }),
      // This release cannot send entries of higher levels.
      ...(level !== undefined && { level: Math.min(Number(level), levelMax) }),
      ...(address !== undefined && { address }),
      ...(admittedAt !== undefined && { admittedAt }),
    };
  };
}

/** The answer to a plain request at the address of the socket. */
export const needsUpgrade = (): Response =>
  problem("upgrade_required", "Open this address as a WebSocket", {
    headers: { Upgrade: "websocket", Connection: "Upgrade" },
  });

export const tooManyConnections = (): Response =>
  problem("too_many_connections", "The limit of open connections is reached");

const drained = () => problem("unavailable", "The server is shutting down");

const unauthenticated = () => problem(nobody.code, nobody.text);

/** Is this an opening handshake (RFC 6455 section 4.2.1)? Version and key are the runtime's to check. */
function isUpgrade(request: Request): boolean {
  const protocols = (request.headers.get("upgrade") ?? "").toLowerCase().split(",");
  return request.method === "GET" && protocols.some((protocol) => protocol.trim() === "websocket");
}

/** The address stays in memory while its socket is open; a longer one is left out. */
const urlCharsMax = 1_024;

/** An address without its query, which may hold a ticket. Most sockets have the same. */
function createUrlOf(): (address: string) => { readonly url?: string } {
  const shared = createSharedText();
  return (address) => {
    const url = address.replace(/[?#].*$/s, "");
    return url.length <= urlCharsMax ? { url: shared(url) } : {};
  };
}

function subprotocolHeaders(request: Request): Record<string, string> {
  const offered = request.headers.get("sec-websocket-protocol");
  if (offered === null) return {};
  const isOffered = offered.split(",").some((token) => token.trim() === subprotocol);
  return { "Sec-WebSocket-Protocol": isOffered ? subprotocol : "" };
}
