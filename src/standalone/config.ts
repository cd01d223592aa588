import * as v from "valibot";
import { authFaults, type AuthConfig, authOf, authVariables, isHost } from "./config-auth.ts";
import { missingPushVariables, type PushConfig, pushOf, pushSecrets, pushVariables } from "./config-push.ts";
import { present } from "../internal/present.ts";
import {
  type Fault,
  faultOf,
  goneRate,
  listOf,
  oneOf,
  rate,
  ratesOfKind,
  trust,
  trustOf,
  variable,
  wholeNumber,
} from "./config-variable.ts";
import { ChatError } from "../error.ts";
import { parseCorsHeaders } from "../http/cors.ts";
import { parseOrigins } from "../access/origin.ts";
import type { TrustProxy } from "../access/peer.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { RateOptions } from "../protocol/rates.ts";

/** The configuration of the standalone server, read from its environment. */
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
  /** Where the built documentation is; absent: it is not served. */
  readonly docsFolder?: string;
};

const logLevels = ["trace", "debug", "info", "warning", "error", "fatal"] as const;
const secrets = ["JWT_SECRET", "DATABASE_AUTH_TOKEN", "CLUSTER_URL", ...pushSecrets];
/** An error text shows the beginning of a value: enough to recognise it. */
const shownCharsMax = 120;

const anyText = v.string();

/** Every variable stays text, so that the others are checked also after a wrong one. */
const variables = v.object({
  PORT: v.optional(wholeNumber([0, 65_535]), "6662"),
  HOST: v.optional(variable(isHost, "a host name or an IP address without port or brackets"), "127.0.0.1"),
  DATABASE_URL: v.optional(
    variable(isDatabaseUrl, '"file:" and a path, or a libsql, https, http, wss or ws URL'),
    "file:tidings.db",
  ),
  DATABASE_AUTH_TOKEN: v.optional(anyText),
  DATABASE_AUTH_TOKEN_FILE: v.optional(anyText),
  ORIGINS: v.optional(v.pipe(v.string(), v.rawCheck(checkOrigins)), ""),
  CORS_HEADERS: v.optional(variable(areHeaders, "names of headers with commas"), ""),
  ...authVariables,
  LOG_LEVEL: v.optional(oneOf(logLevels, logLevels.join(", ")), "info"),
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
  // The bus checks its addresses itself.
  CLUSTER_URL: v.optional(anyText),
  HEARTBEAT_MS: v.optional(wholeNumber([100, 300_000], "of milliseconds "), String(defaultLimits.heartbeatMs)),
  SHUTDOWN_MS: v.optional(wholeNumber([0, 600_000], "of milliseconds "), String(defaultLimits.shutdownMs)),
  START_MS: v.optional(wholeNumber([0, 600_000], "of milliseconds "), String(defaultLimits.startMs)),
  DOCS_FOLDER: v.optional(anyText),
});

export const variableNames: readonly string[] = Object.keys(variables.entries);

type Variables = v.InferOutput<typeof variables>;

/** The environment: first each variable is checked by itself, then whether they fit together; then it becomes the typed config. */
const environment = v.pipe(variables, v.rawCheck(checkTogether), v.transform(configOf));

/**
 * Reads the configuration of the standalone server. An empty variable counts as unset.
 *
 * @param env The environment, `process.env` for instance; unknown variables are ignored.
 * @throws ChatError `config_invalid`: one text that names every wrong variable, the expected form, and its value
 * (never a secret, nor a user name, password or query inside a URL).
 *
 * @example
 * const config = readConfig(process.env);
 * readConfig({ AUTH: "jwt", JWT_SECRET: secret, PORT: "0" }).auth // { kind: "jwt", secret }
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const result = v.safeParse(environment, set);
  if (result.success) return result.output;
  // The first fault of each variable is reported: mending it may remove the others.
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
      ...present({ authToken: env.DATABASE_AUTH_TOKEN, authTokenFile: env.DATABASE_AUTH_TOKEN_FILE }),
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
    ...present({ clusterUrl: env.CLUSTER_URL, docsFolder: env.DOCS_FOLDER }),
    logLevel: logLevels.find((level) => level === env.LOG_LEVEL) ?? "info",
    heartbeatMs: Number(env.HEARTBEAT_MS),
    shutdownMs: Number(env.SHUTDOWN_MS),
    startMs: Number(env.START_MS),
  };
}

function checkTogether({ dataset, addIssue }: v.RawCheckContext<Variables>): void {
  if (!dataset.typed) return;
  const env = dataset.value;
  for (const [key, message] of [...missingPushVariables(env), ...tokenFaults(env), ...authFaults(env)])
    addIssue({ message, path: [{ type: "object", origin: "value", input: env, key, value: env[key] }] });
}

const tokenFaults = (env: Variables): readonly Fault<keyof Variables>[] =>
  env.DATABASE_AUTH_TOKEN === undefined || env.DATABASE_AUTH_TOKEN_FILE === undefined
    ? []
    : [["DATABASE_AUTH_TOKEN_FILE", "nothing beside DATABASE_AUTH_TOKEN: the token is in one place"]];

function checkOrigins({ dataset, addIssue }: v.RawCheckContext<string>): void {
  if (!dataset.typed) return;
  // A value with an "@" may have a password with a comma in it, so the text shows no part of it.
  if (dataset.value.includes("@")) return addIssue({ message: "a list of origins with commas, none with a user name" });
  const faults = listOf(dataset.value)
    .map((origin) => faultOf(() => parseOrigins([origin])))
    .filter((fault) => fault !== null);
  if (faults.length > 0) addIssue({ message: `a list of origins with commas (${faults.join("; ")})` });
}

function areHeaders(text: string): boolean {
  return faultOf(() => parseCorsHeaders(listOf(text))) === null;
}

function isDatabaseUrl(text: string): boolean {
  if (text.startsWith("file:")) return text.length > "file:".length && !text.includes(":memory:");
  return /^(libsql|https?|wss?):\/\/[^/]/.test(text) && URL.canParse(text);
}

/** A value as an error text may show it: no secret, and of a URL neither user name nor query. */
function shown(name: string, value: string | undefined): string {
  if (value === undefined) return "not set";
  if (secrets.includes(name) || (name === "ORIGINS" && value.includes("@"))) return "set (not shown)";
  const safe = value.replace(/^([a-z][a-z0-9+.-]*:(\/\/)?)?.*@/is, "$1***@").replace(/\?.*$/s, "?***");
  return JSON.stringify(safe.length > shownCharsMax ? `${safe.slice(0, shownCharsMax)}…` : safe);
}
