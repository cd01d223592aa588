import { accessSync, constants } from "node:fs";
import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { ChatError } from "../../error.ts";

type Credentials = Pick<NodeConnectionOptions, "authenticator" | "pass" | "tls" | "token" | "user">;

export type NatsOptions = {
  /**
   * Servers of one cluster, in a list or with commas between them: `host`, `host:port`, `nats://…`, or `tls://…` for TLS or nothing.
   * Each node keeps to one of them at a time, in an order of its own. A user and password (or a token alone) in an address
   * are for that server: `nats://user:password@host:4222`.
   */
  readonly servers: string | readonly string[];
  /** The beginning of the subjects on the server; nodes with different prefixes never receive each other's texts. Default: `tidings`. */
  readonly prefix?: string;
} & Readonly<Credentials>;

/** One server, and its address. */
export type NatsServer = {
  readonly host: string;
  readonly port: number;
  /** Host and port, which logs may show. */
  readonly name: string;
  readonly credentials: Credentials;
};

export type NatsConfig = { readonly servers: readonly NatsServer[]; readonly prefix: string };

const names = ["servers", "prefix", "authenticator", "pass", "tls", "token", "user"];
const defaultPort = 4222;
const prefixForm = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
/** With the longest subject it stays far below a server's limit of a line. */
const prefixCharsMax = 128;
const tlsFiles = ["caFile", "certFile", "keyFile"] as const;

/** @throws ChatError `config_invalid`; its text shows no address and no credential. */
export function natsConfig(options: NatsOptions): NatsConfig {
  const { servers, prefix = "tidings", ...credentials } = options;
  for (const name of Object.keys(options)) if (!names.includes(name)) refuse(`has no option ${name}`);
  if (typeof prefix !== "string" || prefix.length > prefixCharsMax || !prefixForm.test(prefix))
    refuse("needs a prefix of letters, digits, - and _, with single dots between them");
  checkCredentials(credentials);
  const addresses: unknown = typeof servers === "string" ? servers.split(",") : servers;
  if (!Array.isArray(addresses) || addresses.length === 0) refuse("needs servers, such as nats://127.0.0.1:4222");
  return { prefix, servers: addresses.map((address: unknown) => serverOf(address, credentials)) };
}

function checkCredentials({ user, pass, token, tls, authenticator }: Credentials): void {
  for (const [name, value] of Object.entries({ user, pass, token }))
    if (value !== undefined && (typeof value !== "string" || value === "")) refuse(`needs a text for ${name}`);
  if (pass !== undefined && user === undefined) refuse("needs a user with pass");
  if (token !== undefined && user !== undefined) refuse("takes a token or a user, not both");
  for (const each of authenticator === undefined ? [] : [authenticator].flat())
    if (typeof each !== "function") refuse("needs functions for authenticator");
  if (tls === undefined || tls === null) return;
  if (typeof tls !== "object") refuse("needs an object, or null, for tls");
  for (const name of tlsFiles) if (tls[name] !== undefined && !isReadable(tls[name])) refuse(`cannot read tls.${name}`);
}

function serverOf(address: unknown, given: Credentials): NatsServer {
  if (typeof address !== "string") return refuse("needs texts for servers");
  const text = address.trim();
  const whole = text.includes("://") ? text : `nats://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  const isAddress =
    url !== null &&
    ["nats:", "tls:"].includes(url.protocol) &&
    url.hostname !== "" &&
    url.port !== "0" &&
    ["", "/"].includes(url.pathname) &&
    url.search + url.hash === "";
  if (!isAddress) return refuse("needs addresses such as nats://127.0.0.1:4222 or tls://nats.example for servers");
  const port = url.port === "" ? defaultPort : Number(url.port);
  const { tls } = given;
  if (url.protocol === "tls:" && tls === null) return refuse("has a server of tls:// and says that tls is null");
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    name: `${url.hostname}:${port}`,
    credentials: {
      ...(url.username === "" ? given : { ...withoutUser(given), ...userOf(url) }),
      ...(url.protocol === "tls:" && { tls: tls ?? {} }),
    },
  };
}

function userOf({ username, password }: URL): Credentials {
  try {
    const user = decodeURIComponent(username);
    return password === "" ? { token: user } : { user, pass: decodeURIComponent(password) };
  } catch {
    return refuse("has a server whose user or password is not percent-encoded as it must be");
  }
}

/** The sign-in of a connection, for the log: a user by name, anything else by its kind. */
export function signInOf({ user, pass, token, authenticator }: Credentials): string {
  if (user !== undefined) return `user ${user} ${pass === undefined ? "without" : "with"} a password`;
  if (token !== undefined) return "whoever has the token";
  return authenticator === undefined ? "nobody, without a password or token" : "the authenticator says";
}

const withoutUser = ({ user: _, pass: __, token: ___, ...rest }: Credentials): Credentials => rest;

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function refuse(what: string): never {
  throw new ChatError("config_invalid", `nats() ${what}`);
}
