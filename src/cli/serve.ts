import { command } from "./command.ts";

/** The environment is its only configuration: each setting has one place, and no secret shows in the list of processes. */
export const serveCommand = command({
  description: "Serves one chat on one database; configured by variables of the environment",
  args: {},
  async run() {
    await import("../server.ts");
  },
});

/** Each variable of the environment in a few words. */
export const variableMeanings: Readonly<Record<string, string>> = {
  PORT: "default 6662; 0: any free port",
  HOST: "the address to listen on, default 127.0.0.1",
  DATABASE_URL: "default file:tidings.db; or libsql:, https:, http:",
  DATABASE_AUTH_TOKEN: "the token of a remote database",
  DATABASE_AUTH_TOKEN_FILE: "or a file that holds it, read again when it is refused",
  ORIGINS: "other sites with pages that may use the chat, with commas",
  CORS_HEADERS: "further headers that their pages may send, with commas",
  AUTH: "demo (default) or jwt",
  AUTH_DEMO_ANYWHERE: "1: the demo may be reached from other machines",
  JWT_SECRET: "with AUTH=jwt: the HS256 secret, at least 32 bytes; or JWKS_URL",
  JWKS_URL: "where the issuer publishes its public keys",
  JWT_ISSUER: "the iss that tokens must have",
  JWT_AUDIENCE: "the aud that tokens must have",
  JWT_COOKIE: "a cookie that may carry the token",
  JWT_USER_CLAIM: "the claim that is the user, default sub",
  JWT_TENANT_CLAIM: "the claim that is the tenant, default tenant",
  JWT_CLOCK_TOLERANCE_S: "seconds by which the issuer's clock may be ahead, default 5",
  TRUST_PROXY: "how many proxies are believed, or which; default 0",
  RATE_SENDS_USER: "messages of a user: at once, and a second, such as 60,1; or off",
  RATE_SENDS_ADDRESS: "the same of an address",
  RATE_WORK_USER: "all that a user causes, in units of work; or off",
  RATE_WORK_ADDRESS: "the same of an address",
  FCM_SERVICE_ACCOUNT: "Firebase: the service account's JSON, or its file",
  FCM_BASE_URL: "in place of Firebase's own address, for tests",
  ONESIGNAL_APP_ID: "OneSignal: the app",
  ONESIGNAL_API_KEY: "OneSignal: its key",
  ONESIGNAL_BASE_URL: "in place of OneSignal's own address, for tests",
  VAPID_PUBLIC_KEY: "Web Push: a key of `tidings vapid`",
  VAPID_PRIVATE_KEY: "Web Push: the other key",
  VAPID_SUBJECT: "Web Push: where you can be reached",
  PUSH_WEBHOOK_URL: "a webhook of your own",
  PUSH_WEBHOOK_SECRET: "what it is signed with",
  PUSH_ACCOUNTS_PER_DEVICE: "one (default) or several",
  PUSH_DELAY_MS: "milliseconds in which a connected device may ack; default 5000, 20000 for an idle one",
  CLUSTER_URL: "NATS servers of several nodes, with commas",
  LOG_LEVEL: "trace, debug, info (default), warning, error, fatal",
  HEARTBEAT_MS: "milliseconds between two pings, default 25000",
  SHUTDOWN_MS: "milliseconds that a shutdown may take, default 10000",
  START_MS: "milliseconds that a start waits for its database, default 15000",
  DOCS_FOLDER: "a folder that `bun run docs` has built, served at /docs/",
};

const width = Math.max(...Object.keys(variableMeanings).map((name) => name.length));
const rows = Object.entries(variableMeanings).map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`);

/** The end of the help of `serve`: its variables of the environment. */
export const serveVariables = ["VARIABLES OF THE ENVIRONMENT (docs/server.md)", "", ...rows].join("\n");
