import * as v from "valibot";
import { oneOf, safeUrl, variable, wholeNumber, type Fault } from "./config-variable.ts";
import { checkedClaims, cookieName, type JwtOptions, secretBytesMin } from "../access/jwt.ts";
import { isLoopbackHost } from "../internal/loopback.ts";
import { present } from "../internal/present.ts";
import { utf8Bytes } from "../internal/utf8.ts";

/** How the standalone server learns which user makes a request. */
export type AuthConfig =
  | { readonly kind: "demo"; readonly anywhere: boolean }
  | ({ readonly kind: "jwt"; readonly secret?: string } & Omit<JwtOptions, "secret" | "now" | "clock" | "random">);

const anyText = v.string();
const claim = variable(
  // These claims say how a token is checked, and name no user.
  (text) => !checkedClaims.includes(text),
  `the name of a claim, other than ${checkedClaims.join(", ")}`,
);

export const authVariables = {
  AUTH: v.optional(oneOf(["demo", "jwt"], '"demo" or "jwt"'), "demo"),
  AUTH_DEMO_ANYWHERE: v.optional(oneOf(["0", "1"], '"1" or nothing'), "0"),
  JWT_SECRET: v.optional(variable((text) => utf8Bytes(text) >= secretBytesMin, `at least ${secretBytesMin} bytes`)),
  JWKS_URL: v.optional(safeUrl),
  JWT_ISSUER: v.optional(anyText),
  JWT_AUDIENCE: v.optional(anyText),
  JWT_COOKIE: v.optional(variable((text) => cookieName.test(text), "the name of a cookie")),
  JWT_USER_CLAIM: v.optional(claim),
  JWT_TENANT_CLAIM: v.optional(claim),
  JWT_CLOCK_TOLERANCE_S: v.optional(wholeNumber([0, 5], "of seconds ")),
};

/** The variables of authentication, and the host that the demo may listen on. */
type AuthVariables = { readonly HOST: string; readonly AUTH: string; readonly AUTH_DEMO_ANYWHERE: string } & {
  readonly [Name in keyof typeof authVariables]?: string | undefined;
};

/** The variables of authentication that do not fit the others. */
export const authFaults = (env: AuthVariables): readonly Fault<keyof AuthVariables>[] =>
  env.AUTH === "demo" ? demoFaults(env) : env.AUTH === "jwt" ? jwtFaults(env) : [];

function demoFaults(env: AuthVariables): readonly Fault<keyof AuthVariables>[] {
  const faults: Fault<keyof AuthVariables>[] = [];
  if (isHost(env.HOST) && env.HOST !== "::1" && !isLoopbackHost(env.HOST) && env.AUTH_DEMO_ANYWHERE !== "1")
    faults.push([
      "HOST",
      "a loopback address with AUTH=demo, which does not authenticate users (AUTH_DEMO_ANYWHERE=1 allows it)",
    ]);
  for (const name of ["JWT_SECRET", "JWKS_URL"] as const)
    if (env[name] !== undefined) faults.push([name, "nothing unless AUTH=jwt, for the demo checks no tokens"]);
  return faults;
}

function jwtFaults(env: AuthVariables): readonly Fault<keyof AuthVariables>[] {
  const faults: Fault<keyof AuthVariables>[] = [];
  if (env.JWT_SECRET === undefined && env.JWKS_URL === undefined)
    faults.push(["JWT_SECRET", `at least ${secretBytesMin} bytes with AUTH=jwt (or JWKS_URL in its place)`]);
  if (env.JWT_SECRET !== undefined && env.JWKS_URL !== undefined)
    faults.push(["JWKS_URL", "nothing beside JWT_SECRET: tokens are checked by exactly one of the two"]);
  if ((env.JWT_USER_CLAIM ?? "sub") === (env.JWT_TENANT_CLAIM ?? "tenant"))
    faults.push([
      env.JWT_TENANT_CLAIM === undefined ? "JWT_USER_CLAIM" : "JWT_TENANT_CLAIM",
      "another claim than that of the other",
    ]);
  return faults;
}

export function authOf(env: AuthVariables): AuthConfig {
  if (env.AUTH === "demo") return { kind: "demo", anywhere: env.AUTH_DEMO_ANYWHERE === "1" };
  const { JWT_SECRET: secret, JWKS_URL: jwksUrl, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = env;
  const { JWT_COOKIE: cookie, JWT_USER_CLAIM: userClaim, JWT_TENANT_CLAIM: tenantClaim } = env;
  const tolerance = env.JWT_CLOCK_TOLERANCE_S;
  const clockToleranceSeconds = tolerance === undefined ? undefined : Number(tolerance);
  return {
    kind: "jwt",
    ...present({ secret, jwksUrl, issuer, audience, cookie, userClaim, tenantClaim, clockToleranceSeconds }),
  };
}

/** A host name or an IP address, without port or brackets. */
export function isHost(text: string): boolean {
  if (text.includes(":")) return /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`);
  return /^[a-z0-9.-]{1,253}$/i.test(text) && URL.canParse(`http://${text}/`);
}
