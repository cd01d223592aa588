import { decodeProtectedHeader, errors, type JWTPayload } from "jose";
import { isIdentifier } from "../protocol/identifier.ts";
import type { Proof } from "./authenticate.ts";

/** Claims by which a token is checked: none of them can be the user or the tenant. */
export const checkedClaims: readonly string[] = ["exp", "nbf", "iat", "iss", "aud", "jti"];

/** The server chooses the algorithms, never the token (RFC 8725 section 3.1). */
export const secretAlgorithms = ["HS256"];
export const publicAlgorithms = ["RS256", "PS256", "ES256", "EdDSA"];

/** Why a token is refused, for the log. */
export type Refusal = {
  readonly reason: string;
  readonly claim?: string;
  readonly expected?: unknown;
  readonly actual?: unknown;
};

/** The values with which a token is compared. */
type Compared = {
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
};

/** Only the values that were compared: the cause of jose's errors holds all claims. */
export function refusalOf(error: errors.JOSEError, { issuer, audience, now }: Compared): Refusal {
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
export function headerOf(token: string): {
  readonly algorithm?: unknown;
  readonly kid?: unknown;
  readonly typ?: unknown;
} {
  try {
    const { alg, kid, typ } = decodeProtectedHeader(token);
    return { algorithm: alg, kid, typ };
  } catch {
    return {};
  }
}

type ClaimOptions = Pick<Compared, "audience"> & { readonly userClaim: string; readonly tenantClaim: string };

const idForm = "1 to 128 characters that an id may have";

/** The claims as a proof, or why they are none. */
export function proofOf(claims: JWTPayload, { audience, userClaim, tenantClaim }: ClaimOptions): Proof | Refusal {
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
