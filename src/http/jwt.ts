import { getLogger } from "@logtape/logtape";
import {
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import { ChatError } from "../error.ts";
import { faultOfIdentifier, isIdentifier } from "../protocol/identifier.ts";
import type { Authenticate, Proof } from "./authenticate.ts";
import { isLoopbackHost } from "../internal/loopback.ts";

/** How tokens are checked. Exactly one of `secret` and `jwksUrl`. */
export type JwtOptions = {
  /** The shared secret for HS256, at least 32 bytes (RFC 7518 section 3.2). Text counts as UTF-8. */
  readonly secret?: string | Uint8Array;
  /** Where the issuer publishes its public keys (RFC 7517): https, or http on this machine. */
  readonly jwksUrl?: string;
  /** The `iss` that a token must have. */
  readonly issuer?: string;
  /** The `aud` that a token must have. Without it a token that names an audience is refused: it is not meant for us. */
  readonly audience?: string;
  /** Name of a cookie that may carry the token, for browsers; mind `HttpOnly`, `Secure` and `SameSite`. */
  readonly cookie?: string;
  /** Seconds, 0–5 (default 5), by which the issuer's clock may be ahead (`nbf`). A token is never used past its `exp`. */
  readonly clockToleranceSeconds?: number;
  /** Milliseconds since the Unix epoch; default: the system's clock. */
  readonly now?: () => number;
};

/** The algorithms are ours to choose, never the token's (RFC 8725 section 3.1). */
const secretAlgorithms = ["HS256"];
const publicAlgorithms = ["RS256", "PS256", "ES256", "EdDSA"];
const secretBytesMin = 32;
/** More than any header that runtimes let through by default, and a bound on what is parsed for strangers. */
const tokenCharsMax = 8_192;
/** RFC 6265 section 4.1.1: a cookie's name is an HTTP token. */
const cookieName = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
/** A JWS in compact form (RFC 7515 section 3.1). */
const bearer = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i;
/** Kinds of token that say who calls; a logout token or a DPoP proof of the same issuer does not (RFC 8725 section 3.11). */
const types = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/**
 * Authentication by JSON Web Token (RFC 7519): `Authorization: Bearer …`, or the named cookie.
 *
 * The scheme must be `Bearer` in any case of letters (RFC 9110 section 11.1: schemes are case-insensitive); no other scheme
 * counts. Where an `Authorization` header is present, it alone decides. A token in the query string is never read (URLs
 * end up in logs), nor one among the subprotocols.
 *
 * Claims: `sub` is the user, `tenant` the tenant (default `default`), both 1–128 characters of `A–Z a–z 0–9 + - _ . @ : ~ |` (Auth0's `auth0|5f7c` fits);
 * `exp` is required and ends the session; `nbf`, `iss` and `aud` hold. Whatever is wrong with a token: null, thus 401, and always
 * the same 401; the reason stands in the log at level debug, and at level warning where it is how the issuer names its users.
 *
 * @throws ChatError `config_invalid` at once on unusable options; the returned function rejects with `unavailable` when the
 * issuer's keys cannot be had.
 *
 * @example
 * createChat({ authenticate: jwt({ jwksUrl: "https://id.example/jwks.json", issuer: "https://id.example", audience: "chat" }), … })
 */
export function jwt(options: JwtOptions): Authenticate {
  const verify = createVerify(options);
  const { cookie } = options;
  if (cookie !== undefined && !cookieName.test(cookie)) {
    throw new ChatError("config_invalid", `A cookie cannot be named ${JSON.stringify(cookie)}`);
  }
  const log = getLogger(["tidings", "http"]);
  return async (request) => {
    const token = tokenOf(request.headers, cookie);
    if (token === null || token.length > tokenCharsMax) return null;
    try {
      const claims = await verify(token);
      const proof = proofOf(claims, options.audience !== undefined);
      if (typeof proof !== "string") return proof;
      // The issuer vouches for the token, and all of its users may be named so: whoever runs the server must hear of it.
      if (proof === "sub" || proof === "tenant")
        log.warn("A valid token names nobody whom the chat can take", {
          claim: proof,
          reason: faultOfIdentifier(claims[proof]),
        });
      else log.debug("A token was refused", { reason: "claim", claim: proof });
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      log.debug("A token was refused", { reason: error.code, claim: "claim" in error ? error.claim : undefined });
    }
    return null;
  };
}

function createVerify(options: JwtOptions): (token: string) => Promise<JWTPayload> {
  const { secret, jwksUrl, issuer, audience, clockToleranceSeconds = 5, now } = options;
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 5)) {
    throw new ChatError("config_invalid", `The clock tolerance is 0 to 5 seconds, not ${clockToleranceSeconds}`);
  }
  if ((secret === undefined) === (jwksUrl === undefined)) {
    throw new ChatError("config_invalid", "Exactly one of secret and jwksUrl is needed to check tokens");
  }
  const rules = (algorithms: string[]): JWTVerifyOptions => ({
    algorithms,
    requiredClaims: ["exp", "sub"],
    clockTolerance: clockToleranceSeconds,
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(now && { currentDate: new Date(now()) }),
  });
  if (jwksUrl !== undefined) {
    const key = createKeySource(jwksUrl);
    return async (token) => payloadOf(await jwtVerify(token, key, rules(publicAlgorithms)));
  }
  const key = typeof secret === "string" ? new TextEncoder().encode(secret) : new Uint8Array(secret ?? []);
  if (key.length < secretBytesMin) {
    throw new ChatError(
      "config_invalid",
      `The secret for tokens has ${key.length} bytes, but needs at least ${secretBytesMin}`,
    );
  }
  return async (token) => payloadOf(await jwtVerify(token, key, rules(secretAlgorithms)));
}

function payloadOf(verified: { payload: JWTPayload; protectedHeader: { typ?: string } }): JWTPayload {
  const { typ } = verified.protectedHeader;
  if (typ !== undefined && (typeof typ !== "string" || !types.includes(typ.toLowerCase()))) {
    throw new errors.JWTInvalid("The token is of another type");
  }
  return verified.payload;
}

/** Tells what the issuer's key server did wrong (`unavailable`) from what the token did (an error of jose). */
function createKeySource(jwksUrl: string): JWTVerifyGetKey {
  const url = URL.canParse(jwksUrl) ? new URL(jwksUrl) : null;
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.host)))) {
    throw new ChatError("config_invalid", "The address of the keys must be an https URL, or http on this machine");
  }
  const keys = createRemoteJWKSet(url);
  return async (header, token) => {
    try {
      const key = await keys(header, token);
      // Of several keys, the one that suits the token's algorithm would be a choice of the token's.
      if (header.kid === undefined && keys.jwks()?.keys.length !== 1) throw new errors.JWKSNoMatchingKey();
      return key;
    } catch (error) {
      const isTokensFault =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported;
      if (isTokensFault) throw error;
      throw new ChatError("unavailable", "The keys for checking tokens cannot be had", { cause: error });
    }
  };
}

/** The claims as a proof, or the name of the claim that is wrong. */
function proofOf(claims: JWTPayload, isAudienceChecked: boolean): Proof | string {
  const { sub, exp, aud, tenant = "default" } = claims;
  // RFC 7519 section 4.1.3: who does not find itself in `aud` must refuse. Else any token of a shared issuer would do.
  if (aud !== undefined && !isAudienceChecked) return "aud";
  if (!isIdentifier(sub)) return "sub";
  if (!isIdentifier(tenant)) return "tenant";
  const expiresAt = Math.floor((exp ?? NaN) * 1000);
  return Number.isSafeInteger(expiresAt) ? { user: sub, tenant, expiresAt } : "exp";
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
