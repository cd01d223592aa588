import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from "jose";
import { ChatError } from "../error.ts";
import { type Clock, systemClock } from "../internal/clock.ts";
import { createLog } from "../internal/logger.ts";
import { type Random, systemRandom } from "../internal/random.ts";
import { isIdentifier, validateIdentifier } from "../protocol/identifier.ts";
import type { Authenticate, Proof } from "./authenticate.ts";
import { createIssuerKeys } from "./issuer-keys.ts";

/** How tokens are checked. Exactly one of `secret` and `jwksUrl`. */
export type JwtOptions = {
  /** The shared secret for HS256, at least 32 bytes (RFC 7518 section 3.2). Text counts as UTF-8. */
  readonly secret?: string | Uint8Array;
  /**
   * Where the issuer publishes its public keys (RFC 7517): https, or http on this machine. They are fetched again after ten minutes, and when
   * a token names a key that is not known; while the issuer is away they are used for an hour after they were fetched.
   */
  readonly jwksUrl?: string;
  /** The `iss` that a token must have. */
  readonly issuer?: string;
  /** The `aud` that a token must have. Without it a token that names an audience is refused: it is not meant for us. */
  readonly audience?: string;
  /** The claim that is the user; default `sub`. The whole name, such as `email` or `https://app.example/user`. */
  readonly userClaim?: string;
  /** The claim that is the tenant; default `tenant`. A token without it is of the tenant `default`. */
  readonly tenantClaim?: string;
  /** Name of a cookie that may carry the token, for browsers; mind `HttpOnly`, `Secure` and `SameSite`. */
  readonly cookie?: string;
  /** Seconds, 0–5 (default 5), by which the issuer's clock may be ahead (`nbf`). A token is never used past its `exp`. */
  readonly clockToleranceSeconds?: number;
  /** Milliseconds since the Unix epoch; default: the system's clock. */
  readonly now?: () => number;
  /** Time and chance for fetching keys; for simulators. */
  readonly clock?: Pick<Clock, "elapsed" | "after">;
  readonly random?: Pick<Random, "integer">;
};

/** Claims by which a token is checked: none of them can be the user or the tenant. */
export const checkedClaims: readonly string[] = ["exp", "nbf", "iat", "iss", "aud", "jti"];

/** The server chooses the algorithms, never the token (RFC 8725 section 3.1). */
const secretAlgorithms = ["HS256"];
const publicAlgorithms = ["RS256", "PS256", "ES256", "EdDSA"];

export const secretBytesMin = 32;
/** Runtimes let no longer header through by default; and it bounds the parsing for strangers. */
const tokenCharsMax = 8_192;
/** RFC 6265 section 4.1.1: a cookie's name is an HTTP token. */
export const cookieName = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
/** A JWS in compact form (RFC 7515 section 3.1). */
const bearer = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;
/** Types of token that identify the caller; a logout token or a DPoP proof of the same issuer does not (RFC 8725 section 3.11). */
const types = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/**
 * Authentication by JSON Web Token (RFC 7519): `Authorization: Bearer …`, or the named cookie.
 *
 * The scheme must be `Bearer` in any case of letters (RFC 9110 section 11.1: schemes are case-insensitive); no other scheme
 * counts. Where an `Authorization` header is present, it alone decides. A token in the query string is never read (URLs
 * end up in logs), nor one among the subprotocols.
 *
 * Claims: `sub` is the user, `tenant` the tenant (default `default`) unless `userClaim` and `tenantClaim` say otherwise, both 1–128 characters of `A–Z a–z 0–9 + - _ . @ : ~ |` (Auth0's `auth0|5f7c` fits);
 * `exp` is required and ends the session; `nbf`, `iss` and `aud` are checked. A bad token is null, thus one and the same 401 whatever is wrong with
 * it. The log has the reason at level debug: the claim, its value and the expected one, never the token; and at level warning where a valid token's
 * user or tenant is no id.
 *
 * @throws ChatError `config_invalid` at once on unusable options; the returned function rejects with `unavailable` when the
 * issuer's keys cannot be fetched, or may lack the one that a token names.
 *
 * @example
 * const authenticate = jwt({ jwksUrl: "https://id.example/jwks.json", issuer: "https://id.example", audience: "chat" });
 * createChat({ ...options, authenticate });
 */
export function jwt(options: JwtOptions): Authenticate {
  const verify = createVerify(options);
  const { cookie } = options;
  if (cookie !== undefined && !cookieName.test(cookie))
    throw new ChatError("config_invalid", `A cookie cannot be named ${JSON.stringify(cookie)}`);
  const { userClaim = "sub", tenantClaim = "tenant" } = options;
  for (const claim of [userClaim, tenantClaim]) {
    if (claim === "" || checkedClaims.includes(claim))
      throw new ChatError("config_invalid", `The claim ${JSON.stringify(claim)} cannot be the user or the tenant`);
  }
  if (userClaim === tenantClaim) throw new ChatError("config_invalid", "One claim cannot be the user and the tenant");
  const log = createLog(["tidings", "http"]);
  const refuse = (token: string, refusal: Refusal): null => {
    // The header is parsed only where it is logged: strangers' tokens must stay cheap.
    if (log.isEnabledFor("debug")) log.debug("A token was refused", { ...refusal, ...headerOf(token) });
    return null;
  };
  return async (request) => {
    const token = tokenOf(request.headers, cookie);
    if (token === null || token.length > tokenCharsMax) return null;
    try {
      const proof = proofOf(await verify(token), { ...options, userClaim, tenantClaim });
      if ("user" in proof) return proof;
      const { claim } = proof;
      if (claim !== userClaim && claim !== tenantClaim) return refuse(token, proof);
      // The token is genuine, and the issuer may name all its users in this way: the operator must see it.
      const reason = validateIdentifier(proof.actual);
      log.warn("A valid token names no user that the chat can take", { claim, reason });
      return null;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      return refuse(token, refusalOf(error, options));
    }
  };
}

function createVerify(options: JwtOptions): (token: string) => Promise<JWTPayload> {
  const { secret, jwksUrl, issuer, audience, userClaim = "sub", clockToleranceSeconds = 5, now } = options;
  const { clock = systemClock, random = systemRandom } = options;
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 5))
    throw new ChatError("config_invalid", `The clock tolerance is 0 to 5 seconds, not ${clockToleranceSeconds}`);
  if ((secret === undefined) === (jwksUrl === undefined))
    throw new ChatError("config_invalid", "Exactly one of secret and jwksUrl is needed to check tokens");
  const rules = (algorithms: string[]): JWTVerifyOptions => ({
    algorithms,
    requiredClaims: ["exp", userClaim],
    clockTolerance: clockToleranceSeconds,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(now && { currentDate: new Date(now()) }),
  });
  if (jwksUrl !== undefined) {
    const { keyOf, held, renew } = createIssuerKeys({ jwksUrl, clock, random });
    const verify = (token: string) => jwtVerify(token, keyOf, rules(publicAlgorithms));
    return async (token) => {
      const known = held();
      try {
        return payloadOf(await verify(token));
      } catch (error) {
        // Without a `kid`, or where a new key has the name of the old one, only the signature shows that there is a new key.
        if (!(error instanceof errors.JWSSignatureVerificationFailed) || !(await renew(known))) throw error;
        return payloadOf(await verify(token));
      }
    };
  }
  const key = typeof secret === "string" ? new TextEncoder().encode(secret) : new Uint8Array(secret ?? []);
  if (key.length < secretBytesMin)
    throw new ChatError(
      "config_invalid",
      `The secret for tokens has ${key.length} bytes, but needs at least ${secretBytesMin}`,
    );
  return async (token) => payloadOf(await jwtVerify(token, key, rules(secretAlgorithms)));
}

function payloadOf(verified: { payload: JWTPayload; protectedHeader: { typ?: string } }): JWTPayload {
  const { typ } = verified.protectedHeader;
  if (typ !== undefined && (typeof typ !== "string" || !types.includes(typ.toLowerCase())))
    throw new errors.JWTInvalid("The token is of another type");
  return verified.payload;
}

/** Why a token is refused, for the log. */
type Refusal = {
  readonly reason: string;
  readonly claim?: string;
  readonly expected?: unknown;
  readonly actual?: unknown;
};

/** Only the values that were compared: the cause of jose's errors holds all claims. */
function refusalOf(error: errors.JOSEError, { issuer, audience, now = Date.now }: JwtOptions): Refusal {
  const reason = error.code;
  if (error instanceof errors.JOSEAlgNotAllowed)
    return { reason, expected: [...secretAlgorithms, ...publicAlgorithms] };
  if (!(error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed)) return { reason };
  const { claim, payload } = error;
  const nowSeconds = Math.floor(now() / 1000);
  switch (claim) {
    case "iss":
      return { reason, claim, expected: issuer, actual: payload.iss };
    case "aud":
      return { reason, claim, expected: audience, actual: payload.aud };
    case "exp":
      return { reason, claim, expected: `after ${nowSeconds}`, actual: payload.exp };
    case "nbf":
    case "iat":
      return { reason, claim, expected: `at most ${nowSeconds}`, actual: payload[claim] };
    default:
      return { reason, claim, expected: "a value" };
  }
}

/** What the token claims about its signature; not verified. */
function headerOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const { alg, kid, typ } = decodeProtectedHeader(token);
    return { algorithm: alg, kid, typ };
  } catch {
    return {};
  }
}

type ClaimOptions = Pick<JwtOptions, "audience"> & { readonly userClaim: string; readonly tenantClaim: string };

const idForm = "1 to 128 characters that an id may have";

/** The claims as a proof, or why they are none. */
function proofOf(claims: JWTPayload, { audience, userClaim, tenantClaim }: ClaimOptions): Proof | Refusal {
  const { exp, aud } = claims;
  const refused = (claim: string, expected: string): Refusal => ({
    ...{ reason: "claim", claim, expected, actual: claims[claim] },
  });
  const user = claims[userClaim];
  const tenant = Object.hasOwn(claims, tenantClaim) ? claims[tenantClaim] : "default";
  // RFC 7519 section 4.1.3: a token for another audience must be refused. Else any token of a shared issuer would do.
  if (aud !== undefined && audience === undefined) return refused("aud", "none, for no audience is configured");
  if (!isIdentifier(user)) return refused(userClaim, idForm);
  if (!isIdentifier(tenant)) return refused(tenantClaim, idForm);
  const expiresAt = Math.floor((exp ?? NaN) * 1000);
  return Number.isSafeInteger(expiresAt) ? { user, tenant, expiresAt } : refused("exp", "seconds since the Unix epoch");
}

function tokenOf(headers: Headers, cookie: string | undefined): string | null {
  const authorization = headers.get("authorization");
  if (authorization !== null) return bearer.exec(authorization)?.[1] ?? null;
  if (cookie === undefined) return null;
  const values = (headers.get("cookie") ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${cookie}=`))
    .map((pair) => pair.slice(cookie.length + 1));
  // Two of one name: a sibling site may have set one of them (RFC 6265 section 8.6).
  return values.length === 1 ? (values[0] ?? null) : null;
}
