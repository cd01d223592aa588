import { ChatError } from "../error.ts";
import { type Doer, doerOf } from "./limiter.ts";
import type { Unproved } from "./reauthenticate.ts";
import type { Clock } from "../internal/clock.ts";
import { createLog } from "../internal/logger.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Session } from "../model.ts";
import { readSessionEnd } from "../internal/session-end.ts";
import { isCursor } from "../protocol/cursor.ts";
import { defaultDevice, faultOfIdentifier, isIdentifier } from "../protocol/identifier.ts";
import { levelMax } from "../protocol/level.ts";
import type { Admission } from "./admission.ts";
import type { Authenticate, Proof } from "./authenticate.ts";
import { addressedBy, isOriginAllowed } from "./origin.ts";
import { createOrigination, type Origination, type Peer } from "./peer.ts";
import { problem, tooOften } from "../protocol/problem.ts";
import type { RefusedOrigin } from "./refused-origins.ts";

/** What an admission asks of its surroundings. */
export type AdmitOptions = ProveOptions & {
  /** Allowed origins beside the server's own, as `parseOrigins` gives them. */
  readonly origins: readonly string[];
  /** Told of each origin that is refused. */
  readonly onRefusedOrigin?: (refused: RefusedOrigin) => void;
  /** Is the server shutting down? */
  readonly isDraining?: () => boolean;
  /** May the addressed host be served at all? Default: what `authenticate.isHostAllowed` says, as `demo()` has it. */
  readonly hostCheck?: (request: Request) => boolean;
  /** Is there room for one more connection of this user, of this address, and on this process? */
  readonly hasRoom?: (session: Session, address: string | undefined) => boolean;
  /** Where a request comes from; default: from nobody who is counted. */
  readonly originationOf?: (request: Request, peer?: Peer) => Origination;
  /** How many milliseconds somebody must wait before they may connect; 0: not at all. */
  readonly mustWait?: (doer: Doer) => number;
  /** Whether the session of a ticket still holds, now that it opens a socket, and until when, where that has moved; default: it does. */
  readonly revalidate?: ((session: Session & { readonly device: string }) => Promise<boolean | number>) | undefined;
  /** Takes a ticket out of use; null where it is none that is good. Without it there are no tickets. */
  readonly useTicket?: (ticket: string) => Promise<Session | null>;
};

export type ProveOptions = {
  readonly authenticate: Authenticate & { readonly isHostAllowed?: (request: Request) => boolean };
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The server's clock, for how long something lasts. */
  readonly clock?: Pick<Clock, "after" | "elapsed">;
  /** How long `authenticate` may take, in milliseconds, where there is a clock; default: for ever. */
  readonly answerMs?: number;
};

const subprotocol = "tidings.v1";

/**
 * Makes the door of the WebSocket: every refusal of PROTOCOL 2 happens here, before the upgrade.
 *
 * The first that applies is answered, as problem+json: 426 not a WebSocket request · 403 foreign host · 403 foreign
 * origin · 503 shutting down · 400 malformed `device`, `cursor`, `level` or `ticket` · 429 this address too often · 401 not authenticated, or expired · 500 the host's `authenticate`
 * answers nonsense · 503 it throws · 429 this user too often · 429 no room. A request with a `ticket` is authenticated by it alone. `authenticate` is not asked before a request has passed the cheap checks. Never
 * rejects.
 *
 * `Admission.headers` must go on the 101 as they are. `Sec-WebSocket-Protocol` is `tidings.v1` where the client offered it
 * (RFC 6455 section 4.2.2), and empty where it offered only others: an empty value stops Bun from echoing the first offer, which may
 * be a token. An adapter whose runtime would send an empty header leaves it out.
 *
 * @example
 * const admit = createAdmit({ authenticate: demo(), origins: [], now: () => clock.now() });
 * const admission = await admit(request);
 * if (admission instanceof Response) return admission;
 */
export function createAdmit(options: AdmitOptions): (request: Request, peer?: Peer) => Promise<Admission | Response> {
  const { authenticate, origins, isDraining = () => false, hasRoom = () => true, mustWait = () => 0 } = options;
  const { originationOf = createOrigination(), useTicket, revalidate, clock, onRefusedOrigin } = options;
  const isHostAllowed = options.hostCheck ?? authenticate.isHostAllowed ?? (() => true);
  const prove = createProve(options);

  async function proveByTicket(ticket: string, device: string): Promise<Session | Response> {
    try {
      const session = (await useTicket?.(ticket)) ?? null;
      if (session === null || (session.expiresAt ?? Infinity) <= options.now()) return unauthenticated();
      const held = await revalidate?.({ ...session, device });
      if (held === false || (typeof held === "number" && held <= options.now())) return unauthenticated();
      return typeof held === "number" ? { ...session, expiresAt: held } : session;
    } catch {
      return problem("unavailable", "It cannot be checked now who is asking");
    }
  }

  return async (request, peer) => {
    if (!isUpgrade(request)) {
      return problem("upgrade_required", "Open this address as a WebSocket", {
        headers: { Upgrade: "websocket", Connection: "Upgrade" },
      });
    }
    if (!isHostAllowed(request)) {
      return problem("forbidden", "This host is not served: the demo takes only loopback ones, such as localhost");
    }
    const origination = originationOf(request, peer);
    const { address } = origination;
    const origin = request.headers.get("origin");
    const addressed = addressedBy(request, origination);
    if (!isOriginAllowed(origin, { ...addressed, allowed: origins })) {
      if (origin !== null) onRefusedOrigin?.({ origin, ...addressed, allowed: origins });
      return problem("forbidden", "The Origin is not allowed here");
    }
    if (isDraining()) return drained();
    const { device = defaultDevice, cursor, level, ticket } = readParameters(request.url);
    if (!isIdentifier(device)) return problem("bad_request", "The parameter device is malformed");
    if (cursor === null || (cursor !== undefined && !isCursor(cursor))) {
      return problem("bad_request", "The parameter cursor is malformed");
    }
    if (level === null || (level !== undefined && !/^[1-9][0-9]{0,8}$/.test(level))) {
      return problem("bad_request", "The parameter level is malformed");
    }
    if (ticket === null) return problem("bad_request", "The parameter ticket is malformed");
    const admittedAt = clock?.elapsed();
    const addressMs = mustWait({ address });
    if (addressMs > 0) return tooOften(addressMs);
    const session = ticket === undefined || !useTicket ? await prove(request) : await proveByTicket(ticket, device);
    if (session instanceof Response) return session;
    const userMs = mustWait(doerOf(session));
    if (userMs > 0) return tooOften(userMs);
    // The drain may have begun while the host was asked.
    if (isDraining()) return drained();
    if (!hasRoom(session, address)) return problem("too_many_connections", "The limit of open connections is reached");
    return {
      ...{ session, device, headers: subprotocolHeaders(request), ...placeOf(request.url) },
      ...(cursor !== undefined && { cursor }),
      // What this release does not know it cannot send.
      ...(level !== undefined && { level: Math.min(Number(level), levelMax) }),
      ...(address !== undefined && { address }),
      ...(admittedAt !== undefined && { admittedAt }),
    };
  };
}

/**
 * Asks the host who makes a request, and trusts the answer only when it is well-formed: upgrades and HTTP routes alike.
 *
 * Answers the session, or the refusal: 401 for null and for a proof that has expired, 503 for a throw and for no answer in time, 500 `internal`
 * for a malformed proof; the text names the field, never its value. Never rejects.
 *
 * @example
 * const session = await prove(request);
 * if (session instanceof Response) return session;
 */
export function createProve(options: ProveOptions): (request: Request) => Promise<Session | Response> {
  const prove = createProof(options);
  return async (request) => {
    const proved = await prove(request);
    return "code" in proved ? problem(proved.code, proved.text) : proved;
  };
}

/** As `createProve`, for what is not answered over HTTP. */
export function createProof(options: ProveOptions): (request: Request) => Promise<Session | Unproved> {
  const { authenticate, now, clock, answerMs } = options;
  const log = createLog(["tidings", "http"]);

  function ask(request: Request): ReturnType<Authenticate> {
    const asked = authenticate(request);
    if (!isThenable(asked) || !clock || answerMs === undefined) return asked;
    return withDeadline(Promise.resolve(asked), { clock, ms: answerMs, who: "authenticate" });
  }

  return async (request) => {
    let answer: { user: string; tenant: string; expiresAt: number | undefined };
    let isHost: boolean;
    try {
      const proof: Proof | null | undefined = await ask(request);
      if (proof === null || proof === undefined) return nobody;
      if (typeof proof !== "object") {
        const text = `The field user is missing: authenticate answered a ${typeof proof}, and must answer { user: "…" } or null`;
        log.error(text);
        return { code: "internal", text };
      }
      answer = {
        user: proof.user,
        tenant: proof.tenant === undefined ? "default" : proof.tenant,
        expiresAt: proof.expiresAt,
      };
      isHost = proof.isHost === true;
    } catch (error) {
      // Who throws this has said why, where it belongs, and strangers can make it happen for each request.
      if (error instanceof ChatError && error.code === "unavailable")
        log.debug("authenticate cannot say now", { error });
      else log.error("authenticate failed", { error });
      return { code: "unavailable", text: "It cannot be checked now who is asking" };
    }
    const { user, tenant } = answer;
    const end = answer.expiresAt === undefined ? undefined : readSessionEnd(answer.expiresAt, now());
    const wrong = wrongField(answer) ?? (typeof end === "string" ? "expiresAt" : null);
    if (wrong !== null) {
      const reason = wrong === "expiresAt" ? `it ${end}` : faultOfIdentifier(answer[wrong]);
      log.error("authenticate answered a malformed proof", { field: wrong, reason });
      const fault = wrong === "expiresAt" ? end : "is malformed";
      return { code: "internal", text: `The field ${wrong} of the proof that authenticate answered ${fault}` };
    }
    const session: Session = { tenant, user, ...(isHost && { isHost }) };
    if (typeof end !== "number") return session;
    return end <= now() ? nobody : { ...session, expiresAt: end };
  };
}

/** A promise of any kind: of another realm, a library's own, a query that runs when it is waited for. */
const isThenable = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

const drained = () => problem("unavailable", "The server is shutting down");

/** One and the same answer, whatever was missing or wrong. */
const nobody: Unproved = { code: "unauthenticated", text: "The request does not prove who is asking" };
const unauthenticated = () => problem(nobody.code, nobody.text);

/** The host may be plain JavaScript: nothing of its answer is believed. */
function wrongField(proof: Readonly<Record<"user" | "tenant", unknown>>): "user" | "tenant" | null {
  if (!isIdentifier(proof.user)) return "user";
  if (!isIdentifier(proof.tenant)) return "tenant";
  return null;
}

/**
 * Reads one query parameter: undefined where it is absent, null where it is doubled or not decodable.
 *
 * A `+` stays a `+` (RFC 3986; only HTML forms make it a space): it begins phone numbers, and no parameter of ours holds a space.
 *
 * @example
 * readParameter("http://host/ws?user=+249912345678", "user") // "+249912345678"
 */
export function readParameter(url: string, name: string): string | null | undefined {
  const query = (url.split("#", 1)[0] ?? "").split("?").slice(1).join("?");
  let found: string | null | undefined;
  for (const pair of query.split("&")) {
    const [key = "", ...rest] = pair.split("=");
    if (decode(key) !== name) continue;
    if (found !== undefined) return null;
    found = decode(rest.join("="));
  }
  return found;
}

const readParameters = (url: string) => ({
  device: readParameter(url, "device"),
  cursor: readParameter(url, "cursor"),
  level: readParameter(url, "level"),
  ticket: readParameter(url, "ticket"),
});

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Is this an opening handshake (RFC 6455 section 4.2.1)? Version and key are the runtime's to check. */
function isUpgrade(request: Request): boolean {
  const protocols = (request.headers.get("upgrade") ?? "").toLowerCase().split(",");
  return request.method === "GET" && protocols.some((protocol) => protocol.trim() === "websocket");
}

/** An address is kept for as long as its socket is open; a longer one is not. */
const placeCharsMax = 1_024;

/** An address without its query, which may hold a ticket. */
function placeOf(address: string): { readonly url?: string } {
  const url = address.replace(/[?#].*$/s, "");
  return url.length <= placeCharsMax ? { url } : {};
}

function subprotocolHeaders(request: Request): Record<string, string> {
  const offered = request.headers.get("sec-websocket-protocol");
  if (offered === null) return {};
  const isOffered = offered.split(",").some((token) => token.trim() === subprotocol);
  return { "Sec-WebSocket-Protocol": isOffered ? subprotocol : "" };
}
