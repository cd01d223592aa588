import * as v from "valibot";
import { missingPushVariables, type PushConfig, pushOf, pushSecrets, pushVariables } from "./config-push.ts";
import { goneRate, listOf, rate, ratesOfKind, trust, trustOf, variable, wholeNumber } from "./config-variable.ts";
import { ChatError } from "../error.ts";
import { isLoopbackHost } from "../internal/loopback.ts";
import { isSafeUrl } from "../internal/safe-url.ts";
import { parseCorsHeaders } from "../http/cors.ts";
import { checkedClaims } from "../access/jwt-claims.ts";
import { parseOrigins } from "../access/origin.ts";
import type { TrustProxy } from "../access/peer.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { RateOptions } from "../protocol/rates.ts";

/** How the standalone server learns who asks. */
export type AuthConfig =
  | { readonly kind: "demo"; readonly anywhere: boolean }
  | {
      readonly kind: "jwt";
      /** Exactly one of the two is there. */
      readonly secret?: string;
      readonly jwksUrl?: string;
      readonly issuer?: string;
      readonly audience?: string;
      readonly cookie?: string;
      readonly userClaim?: string;
      readonly tenantClaim?: string;
      readonly clockToleranceSeconds?: number;
    };

/** Everything that the standalone server takes from its environment. */
export type Config = {
  /** 0: any free port. */
  readonly port: number;
  /** The address to listen on, without brackets. */
  readonly host: string;
  readonly database: {
    readonly url: string;
    readonly authToken?: string;
    /** A file that holds the token, read anew when the server has refused it. */
    readonly authTokenFile?: string;
  };
  /** Canonical origins beside the server's own. */
  readonly origins: readonly string[];
  /** Headers that their pages may send beside the usual ones. */
  readonly corsHeaders: readonly string[];
  readonly auth: AuthConfig;
  readonly trustProxy: TrustProxy;
  readonly rates: RateOptions;
  readonly push: PushConfig;
  /** Servers of the bus between nodes; absent: there is none. */
  readonly clusterUrl?: string;
  readonly logLevel: (typeof logLevels)[number];
  readonly heartbeatMs: number;
  readonly shutdownMs: number;
  readonly startMs: number;
};

const logLevels = ["trace", "debug", "info", "warning", "error", "fatal"] as const;
const secrets = ["JWT_SECRET", "DATABASE_AUTH_TOKEN", "CLUSTER_URL", ...pushSecrets];
const secretBytesMin = 32;
/** A value in an error text is for recognising it, not for reading it in full. */
const shownCharsMax = 120;

const anyText = v.string();
const claimExpected = `the name of a claim, other than ${checkedClaims.join(", ")}`;

/** Every variable as text, so that a wrong one never keeps the others from being checked. */
const variables = v.object({
  PORT: v.optional(wholeNumber(0, 65_535), "6662"),
  HOST: v.optional(variable(isHost, "a host name or an IP address without port or brackets"), "127.0.0.1"),
  DATABASE_URL: v.optional(
    variable(isDatabaseUrl, '"file:" and a path, or a libsql, https, http, wss or ws URL'),
    "file:tidings.db",
  ),
  DATABASE_AUTH_TOKEN: v.optional(anyText),
  DATABASE_AUTH_TOKEN_FILE: v.optional(anyText),
  ORIGINS: v.optional(v.pipe(v.string(), v.rawCheck(checkOrigins)), ""),
  CORS_HEADERS: v.optional(variable(areHeaders, "names of headers with commas"), ""),
  AUTH: v.optional(
    variable((text) => text === "demo" || text === "jwt", '"demo" or "jwt"'),
    "demo",
  ),
  AUTH_DEMO_ANYWHERE: v.optional(
    variable((text) => text === "0" || text === "1", '"1" or nothing'),
    "0",
  ),
  JWT_SECRET: v.optional(variable(isLongEnough, `at least ${secretBytesMin} bytes`)),
  JWKS_URL: v.optional(variable(isSafeUrl, "an https URL without user name, or http on this machine")),
  JWT_ISSUER: v.optional(anyText),
  JWT_AUDIENCE: v.optional(anyText),
  JWT_COOKIE: v.optional(variable((text) => /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(text), "the name of a cookie")),
  JWT_USER_CLAIM: v.optional(variable(isClaim, claimExpected)),
  JWT_TENANT_CLAIM: v.optional(variable(isClaim, claimExpected)),
  JWT_CLOCK_TOLERANCE_S: v.optional(wholeNumber(0, 5, "of seconds ")),
  LOG_LEVEL: v.optional(
    variable((text) => logLevels.some((level) => level === text), logLevels.join(", ")),
    "info",
  ),
  TRUST_PROXY: v.optional(trust, "0"),
  RATE_SENDS_USER: v.optional(rate),
  RATE_SENDS_ADDRESS: v.optional(rate),
  RATE_WORK_USER: v.optional(rate),
  RATE_WORK_ADDRESS: v.optional(rate),
  RATE_CONNECTS_USER: v.optional(goneRate),
  RATE_CONNECTS_ADDRESS: v.optional(goneRate),
  RATE_LOOKUPS_USER: v.optional(goneRate),
  RATE_LOOKUPS_ADDRESS: v.optional(goneRate),
  ...pushVariables,
  // What an address is like is the bus's own business, and is told by it.
  CLUSTER_URL: v.optional(anyText),
  HEARTBEAT_MS: v.optional(wholeNumber(100, 300_000, "of milliseconds "), String(defaultLimits.heartbeatMs)),
  SHUTDOWN_MS: v.optional(wholeNumber(0, 600_000, "of milliseconds "), String(defaultLimits.shutdownMs)),
  START_MS: v.optional(wholeNumber(0, 600_000, "of milliseconds "), String(defaultLimits.startMs)),
});

/** The variables that there are. */
export const variableNames: readonly string[] = Object.keys(variables.entries);

type Variables = v.InferOutput<typeof variables>;

/** The environment: each variable by itself, then how they fit together, then the typed config. */
const environment = v.pipe(variables, v.rawCheck(checkTogether), v.transform(configOf));

/**
 * Reads the configuration of the standalone server. An empty variable counts as unset.
 *
 * @param env The environment, `process.env` for instance; unknown variables are ignored.
 * @throws ChatError `config_invalid`: one text that names every wrong variable, what was expected, and the value that it has
 * (never that of a secret, nor a user name, password or query inside a URL).
 *
 * @example
 * const config = readConfig(process.env);
 * readConfig({ AUTH: "jwt", JWT_SECRET: secret, PORT: "0" }).auth // { kind: "jwt", secret }
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const result = v.safeParse(environment, set);
  if (result.success) return result.output;
  // Of several faults of one variable the first is told: the others may be gone with it.
  const faults = new Map<string, string>();
  for (const { path, message } of result.issues) {
    const name = String(path?.[0]?.key);
    if (!faults.has(name)) faults.set(name, message);
  }
  const lines = Array.from(
    faults,
    ([name, expected]) => `  ${name}: expected ${expected}; it is ${shown(name, set[name])}`,
  );
  const subject =
    lines.length === 1 ? "A variable of the environment is" : `${lines.length} variables of the environment are`;
  throw new ChatError("config_invalid", `${subject} wrong\n${lines.join("\n")}`);
}

function configOf(env: Variables): Config {
  return {
    port: Number(env.PORT),
    host: env.HOST,
    database: {
      url: env.DATABASE_URL,
      ...(env.DATABASE_AUTH_TOKEN !== undefined && { authToken: env.DATABASE_AUTH_TOKEN }),
      ...(env.DATABASE_AUTH_TOKEN_FILE !== undefined && { authTokenFile: env.DATABASE_AUTH_TOKEN_FILE }),
    },
    origins: parseOrigins(listOf(env.ORIGINS)),
    corsHeaders: parseCorsHeaders(listOf(env.CORS_HEADERS)),
    auth: authOf(env),
    trustProxy: trustOf(env.TRUST_PROXY),
    rates: {
      sends: ratesOfKind(env.RATE_SENDS_USER, env.RATE_SENDS_ADDRESS),
      work: ratesOfKind(env.RATE_WORK_USER, env.RATE_WORK_ADDRESS),
    },
    push: pushOf(env),
    ...(env.CLUSTER_URL !== undefined && { clusterUrl: env.CLUSTER_URL }),
    logLevel: logLevels.find((level) => level === env.LOG_LEVEL) ?? "info",
    heartbeatMs: Number(env.HEARTBEAT_MS),
    shutdownMs: Number(env.SHUTDOWN_MS),
    startMs: Number(env.START_MS),
  };
}

function authOf(env: Variables): AuthConfig {
  if (env.AUTH === "demo") return { kind: "demo", anywhere: env.AUTH_DEMO_ANYWHERE === "1" };
  return {
    kind: "jwt",
    ...(env.JWT_SECRET !== undefined && { secret: env.JWT_SECRET }),
    ...(env.JWKS_URL !== undefined && { jwksUrl: env.JWKS_URL }),
    ...(env.JWT_ISSUER !== undefined && { issuer: env.JWT_ISSUER }),
    ...(env.JWT_AUDIENCE !== undefined && { audience: env.JWT_AUDIENCE }),
    ...(env.JWT_COOKIE !== undefined && { cookie: env.JWT_COOKIE }),
    ...(env.JWT_USER_CLAIM !== undefined && { userClaim: env.JWT_USER_CLAIM }),
    ...(env.JWT_TENANT_CLAIM !== undefined && { tenantClaim: env.JWT_TENANT_CLAIM }),
    ...(env.JWT_CLOCK_TOLERANCE_S !== undefined && { clockToleranceSeconds: Number(env.JWT_CLOCK_TOLERANCE_S) }),
  };
}

function checkTogether({ dataset, addIssue }: v.RawCheckContext<Variables>): void {
  if (!dataset.typed) return;
  const env = dataset.value;
  const wrong = (key: keyof Variables, message: string) =>
    addIssue({ message, path: [{ type: "object", origin: "value", input: env, key, value: env[key] }] });

  for (const [name, expected] of missingPushVariables(env)) wrong(name, expected);
  if (env.DATABASE_AUTH_TOKEN !== undefined && env.DATABASE_AUTH_TOKEN_FILE !== undefined)
    wrong("DATABASE_AUTH_TOKEN_FILE", "nothing beside DATABASE_AUTH_TOKEN: the token is in one place");
  if (env.AUTH === "demo") {
    const isLoopback = env.HOST === "::1" || isLoopbackHost(env.HOST);
    if (isHost(env.HOST) && !isLoopback && env.AUTH_DEMO_ANYWHERE !== "1") {
      wrong(
        "HOST",
        "a loopback address with AUTH=demo, which lets anybody be anybody (AUTH_DEMO_ANYWHERE=1 allows it)",
      );
    }
    for (const key of ["JWT_SECRET", "JWKS_URL"] as const) {
      if (env[key] !== undefined) wrong(key, "nothing unless AUTH=jwt, for the demo checks no tokens");
    }
  }
  if (env.AUTH !== "jwt") return;
  if (env.JWT_SECRET === undefined && env.JWKS_URL === undefined) {
    wrong("JWT_SECRET", `at least ${secretBytesMin} bytes with AUTH=jwt (or JWKS_URL in its place)`);
  } else if (env.JWT_SECRET !== undefined && env.JWKS_URL !== undefined) {
    wrong("JWKS_URL", "nothing beside JWT_SECRET: tokens are checked by exactly one of the two");
  }
  if ((env.JWT_USER_CLAIM ?? "sub") === (env.JWT_TENANT_CLAIM ?? "tenant"))
    wrong(
      env.JWT_TENANT_CLAIM === undefined ? "JWT_USER_CLAIM" : "JWT_TENANT_CLAIM",
      "another claim than that of the other",
    );
}

function checkOrigins({ dataset, addIssue }: v.RawCheckContext<string>): void {
  if (!dataset.typed) return;
  // With an "@" there may be a password, with a comma in it: no part of the value may be repeated.
  if (dataset.value.includes("@")) return addIssue({ message: "a list of origins with commas, none with a user name" });
  const faults = listOf(dataset.value)
    .map(faultOf)
    .filter((fault) => fault !== null);
  if (faults.length > 0) addIssue({ message: `a list of origins with commas (${faults.join("; ")})` });
}

function faultOf(origin: string): string | null {
  try {
    parseOrigins([origin]);
    return null;
  } catch (error) {
    if (error instanceof ChatError) return error.message;
    throw error;
  }
}

function areHeaders(text: string): boolean {
  try {
    parseCorsHeaders(listOf(text));
    return true;
  } catch {
    return false;
  }
}

function isHost(text: string): boolean {
  if (text.includes(":")) return /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`);
  return /^[a-z0-9.-]{1,253}$/i.test(text) && URL.canParse(`http://${text}/`);
}

function isDatabaseUrl(text: string): boolean {
  if (text.startsWith("file:")) return text.length > "file:".length && !text.includes(":memory:");
  return /^(libsql|https?|wss?):\/\/[^/]/.test(text) && URL.canParse(text);
}

/** Those that say how a token is to be checked name nobody. */
function isClaim(text: string): boolean {
  return !checkedClaims.includes(text);
}

function isLongEnough(text: string): boolean {
  return new TextEncoder().encode(text).length >= secretBytesMin;
}

/** The value as an error text may show it: no secret, and of a URL neither user name nor query. */
function shown(name: string, value: string | undefined): string {
  if (value === undefined) return "not set";
  if (secrets.includes(name) || (name === "ORIGINS" && value.includes("@"))) return "set (not shown)";
  const safe = value.replace(/^([a-z][a-z0-9+.-]*:(\/\/)?)?.*@/is, "$1***@").replace(/\?.*$/s, "?***");
  return JSON.stringify(safe.length > shownCharsMax ? `${safe.slice(0, shownCharsMax)}…` : safe);
}
