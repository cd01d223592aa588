import { ChatError } from "../error.ts";
import type { Clock } from "../internal/clock.ts";
import { createLog, type Log } from "../internal/logger.ts";
import { readSessionEnd } from "../internal/session-end.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Session } from "../model.ts";
import { isIdentifier, validateIdentifier } from "../protocol/identifier.ts";
import { problem } from "../protocol/problem.ts";
import type { Authenticate, Proof, Unproved } from "./authenticate.ts";

export type ProveOptions = {
  readonly authenticate: Authenticate & { readonly isHostAllowed?: (request: Request) => boolean };
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The server's clock, for durations. */
  readonly clock?: Pick<Clock, "after" | "elapsed">;
  /** How long `authenticate` may take, in milliseconds, where there is a clock; default: without a limit. */
  readonly answerMs?: number;
};

/**
 * Asks the host for the user of a request, an upgrade or an HTTP request, and trusts only a well-formed answer.
 *
 * Answers the session, or the refusal: 401 for null and for a proof that has expired, 503 for a throw and for no answer in time, 500 `internal`
 * for a malformed proof; the text names the field, never its value. Never rejects.
 *
 * @example
 * const prove = createProve({ authenticate: demo(), now: () => clock.now() });
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

/** As `createProve`, where the answer is not sent over HTTP. */
export function createProof(options: ProveOptions): (request: Request) => Promise<Session | Unproved> {
  const { authenticate, now, clock, answerMs } = options;
  const log = createLog(["tidings", "http"]);

  function ask(request: Request): ReturnType<Authenticate> {
    const asked = authenticate(request);
    if (!isThenable(asked) || !clock || answerMs === undefined) return asked;
    return withDeadline(Promise.resolve(asked), { clock, ms: answerMs, who: "authenticate" });
  }

  return async (request) => {
    let claims: Claims;
    try {
      const proof: Proof | null | undefined = await ask(request);
      if (proof === null || proof === undefined) return nobody;
      if (typeof proof !== "object") {
        const text = `The field user is missing: authenticate answered a ${typeof proof}, and must answer { user: "…" } or null`;
        log.error(text);
        return { code: "internal", text };
      }
      claims = claimsOf(proof);
    } catch (error) {
      // The thrower of `unavailable` has logged the reason itself, and strangers can cause one with each request.
      if (error instanceof ChatError && error.code === "unavailable")
        log.debug("authenticate is unavailable", { error });
      else log.error("authenticate failed", { error });
      return { code: "unavailable", text: "The identity cannot be checked now" };
    }
    return sessionOf(claims, now(), log);
  };
}

type Claims = Readonly<Record<"user" | "tenant" | "expiresAt", unknown>> & { readonly isHost: boolean };

/** Reads each field once: the host's object may have getters, and they may throw. */
function claimsOf(proof: Proof): Claims {
  const { user, expiresAt } = proof;
  const tenant = proof.tenant === undefined ? "default" : proof.tenant;
  return { user, tenant, expiresAt, isHost: proof.isHost === true };
}

/** The host may be plain JavaScript: every field is checked. */
function sessionOf({ user, tenant, expiresAt, isHost }: Claims, now: number, log: Log): Session | Unproved {
  const malformed = (field: string, reason: string | null, fault: string): Unproved => {
    log.error("authenticate answered a malformed proof", { field, reason });
    return { code: "internal", text: `The field ${field} of the proof that authenticate answered ${fault}` };
  };
  if (!isIdentifier(user)) return malformed("user", validateIdentifier(user), "is malformed");
  if (!isIdentifier(tenant)) return malformed("tenant", validateIdentifier(tenant), "is malformed");
  const end = expiresAt === undefined ? undefined : readSessionEnd(expiresAt, now);
  if (typeof end === "string") return malformed("expiresAt", `it ${end}`, end);
  const session: Session = { tenant, user, ...(isHost && { isHost }) };
  if (end === undefined) return session;
  return end <= now ? nobody : { ...session, expiresAt: end };
}

/** A promise of any kind: of another realm, a library's own, a query that runs when it is awaited. */
const isThenable = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

/** One answer for everything that may be missing or wrong. */
export const nobody: Unproved = { code: "unauthenticated", text: "The request does not prove an identity" };
