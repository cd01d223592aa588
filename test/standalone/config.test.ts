import { describe, expect, test } from "bun:test";
import { readConfig } from "../../src/standalone/config.ts";
import { ChatError } from "../../src/error.ts";

const secret = "canary-0123456789abcdef0123456789";

function textOf(env: Record<string, string | undefined>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ChatError && error.code === "config_invalid") return error.message;
    throw error;
  }
  throw new Error("The configuration was taken");
}

test("C1 without variables: the demo on loopback", () => {
  expect(readConfig({})).toEqual({
    port: 6662,
    host: "127.0.0.1",
    database: { url: "file:tidings.db" },
    origins: [],
    auth: { kind: "demo", anywhere: false },
    trustProxy: 0,
    rates: { sends: {}, work: {} },
    push: {},
    logLevel: "info",
    heartbeatMs: 25_000,
    shutdownMs: 10_000,
    startMs: 15_000,
    corsHeaders: [],
  });
});

test("C4 empty variables count as unset, unknown ones are ignored", () => {
  const names = Object.keys(process.env).concat(
    "PORT",
    "HOST",
    "DATABASE_URL",
    "DATABASE_AUTH_TOKEN",
    "ORIGINS",
    "AUTH",
    "JWT_SECRET",
    "JWKS_URL",
  );
  const empty = Object.fromEntries(names.map((name) => [name, ""]));
  expect(readConfig({ ...empty, HOME: "x", PATH: undefined, AUTH_DEMO_ANYWHERE: "" })).toEqual(readConfig({}));
});

test("C8 every variable arrives, typed", () => {
  const config = readConfig({
    PORT: "0",
    HOST: "0.0.0.0",
    DATABASE_URL: "libsql://chat.turso.io",
    DATABASE_AUTH_TOKEN: "t",
    ORIGINS: "https://a.example, http://localhost:5173,,capacitor://localhost",
    AUTH: "jwt",
    JWT_SECRET: secret,
    JWT_ISSUER: "https://id.example",
    JWT_AUDIENCE: "chat",
    JWT_COOKIE: "session",
    TRUST_PROXY: "10.0.0.0/8, ::1",
    RATE_SENDS_USER: "60,1",
    RATE_SENDS_ADDRESS: "off",
    RATE_WORK_ADDRESS: "100,0.5",
    FCM_SERVICE_ACCOUNT: "account.json",
    FCM_BASE_URL: "http://127.0.0.1:1",
    ONESIGNAL_APP_ID: "app",
    ONESIGNAL_API_KEY: "key",
    ONESIGNAL_BASE_URL: "https://onesignal.example",
    VAPID_PUBLIC_KEY: "public",
    VAPID_PRIVATE_KEY: "private",
    VAPID_SUBJECT: "mailto:ops@app.example",
    PUSH_WEBHOOK_URL: "https://app.example/push",
    PUSH_WEBHOOK_SECRET: "hook",
    PUSH_ACCOUNTS_PER_DEVICE: "several",
    PUSH_DELAY_MS: "0",
    CLUSTER_URL: "nats://a,b",
    LOG_LEVEL: "debug",
    HEARTBEAT_MS: "1000",
    SHUTDOWN_MS: "500",
    START_MS: "0",
    CORS_HEADERS: "sentry-trace, baggage",
    DOCS_FOLDER: "dist-docs",
  });
  expect(config).toEqual({
    port: 0,
    host: "0.0.0.0",
    database: { url: "libsql://chat.turso.io", authToken: "t" },
    origins: ["https://a.example", "http://localhost:5173", "capacitor://localhost"],
    auth: { kind: "jwt", secret, issuer: "https://id.example", audience: "chat", cookie: "session" },
    trustProxy: ["10.0.0.0/8", "::1"],
    rates: {
      sends: { user: { burst: 60, perS: 1 }, address: null },
      work: { address: { burst: 100, perS: 0.5 } },
    },
    push: {
      fcm: { serviceAccount: "account.json", baseUrl: "http://127.0.0.1:1" },
      oneSignal: { appId: "app", apiKey: "key", baseUrl: "https://onesignal.example" },
      webPush: { publicKey: "public", privateKey: "private", subject: "mailto:ops@app.example" },
      webhook: { url: "https://app.example/push", secret: "hook" },
      delayMs: 0,
      accountsPerDevice: "several",
    },
    clusterUrl: "nats://a,b",
    logLevel: "debug",
    heartbeatMs: 1_000,
    shutdownMs: 500,
    startMs: 0,
    corsHeaders: ["sentry-trace", "baggage"],
    docsFolder: "dist-docs",
  });
  expect(readConfig({ AUTH: "jwt", JWKS_URL: "https://id.example/jwks.json" }).auth).toEqual({
    kind: "jwt",
    jwksUrl: "https://id.example/jwks.json",
  });
});

describe("one variable at a time", () => {
  const right: Record<string, string[]> = {
    PORT: ["0", "1", "80", "65535"],
    HOST: ["localhost", "127.0.0.1", "127.9.9.9", "::1"],
    DATABASE_URL: [
      "file:chat.db",
      "file:///data/chat.db",
      "libsql://h",
      "https://h:8080",
      "http://127.0.0.1:8080",
      "ws://h",
      "wss://h",
      "libsql://h?tls=0",
    ],
    LOG_LEVEL: ["trace", "debug", "info", "warning", "error", "fatal"],
    HEARTBEAT_MS: ["100", "300000"],
    SHUTDOWN_MS: ["0", "600000"],
    START_MS: ["0", "600000"],
    CORS_HEADERS: ["traceparent", "a,b"],
    AUTH_DEMO_ANYWHERE: ["0", "1"],
    JWT_COOKIE: ["session", "__Host-session"],
    JWT_USER_CLAIM: ["sub", "email", "https://app.example/user"],
    JWT_TENANT_CLAIM: ["tenant", "org_id"],
    JWT_CLOCK_TOLERANCE_S: ["0", "5"],
    TRUST_PROXY: ["0", "1", "16", "10.0.0.1", "10.0.0.0/8,::1, fd00::/8"],
    RATE_SENDS_USER: ["60,1", "1,0.1", "off"],
    RATE_WORK_ADDRESS: ["999999999,1000"],
  };
  for (const [name, values] of Object.entries(right)) {
    for (const value of values) test(`C7 ${name}=${value} is taken`, () => void readConfig({ [name]: value }));
  }

  const wrong: Record<string, string[]> = {
    TRUST_PROXY: ["17", "-1", "yes", "10.0.0.0/33", "10.0.0.256", "proxy.example", "10.0.0.1,"].slice(0, 6),
    RATE_CONNECTS_USER: ["60,1"],
    RATE_CONNECTS_ADDRESS: ["off"],
    RATE_LOOKUPS_USER: ["60,1"],
    RATE_LOOKUPS_ADDRESS: ["60,1"],
    RATE_SENDS_USER: ["60", "0,1", "60,0", "60,-1", "1e3,1", "on", "60,1,1"],
    PORT: ["-1", "65536", "80.5", "0x50", "1e3", " 80", "80 ", "http", "99999999999", "٨٠"],
    HOST: [
      "http://localhost",
      "localhost:80",
      "127.0.0.1:80",
      "[::1]",
      "a b",
      "999.1.1.1",
      "a/b",
      "*",
      "user@host",
      ":::",
      "1:2",
    ],
    DATABASE_URL: [
      "file:",
      "tidings.db",
      ":memory:",
      "file::memory:",
      "postgres://h/db",
      "libsql:",
      "libsql://",
      "libsql:///x",
      "http//h",
    ],
    ORIGINS: ["*", "https://a.example/", "a.example", "https://a.example;https://b.example", "https://*.example"],
    AUTH: ["none", "JWT", "Demo", "demo,jwt"],
    AUTH_DEMO_ANYWHERE: ["true", "yes", "2"],
    JWT_COOKIE: ["a=b", "a b", "a;b", "é"],
    JWT_USER_CLAIM: ["exp", "aud"],
    JWT_TENANT_CLAIM: ["iss", "jti"],
    JWT_CLOCK_TOLERANCE_S: ["6", "-1", "5s", "0.5"],
    LOG_LEVEL: ["warn", "INFO", "verbose", "3"],
    HEARTBEAT_MS: ["0", "99", "300001", "25s", "-1"],
    SHUTDOWN_MS: ["-1", "600001", "10s", "1.5"],
    START_MS: ["-1", "600001", "10s", "1.5"],
    CORS_HEADERS: ["*,a b", "a b", "x:y"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      test(`C2 C7 ${name}=${value} is refused, named and shown`, () => {
        const text = textOf({ [name]: value });
        expect(text).toStartWith("A variable of the environment is wrong\n");
        expect(text).toContain(`\n  ${name}: expected `);
        if (!value.includes("@")) expect(text).toContain(JSON.stringify(value));
      });
    }
  }
});

test("C8 the token of the database comes from one place, itself or a file", () => {
  const { database } = readConfig({ DATABASE_URL: "libsql://h", DATABASE_AUTH_TOKEN_FILE: "/run/secrets/database" });
  expect(database).toEqual({ url: "libsql://h", authTokenFile: "/run/secrets/database" });
  const text = textOf({ DATABASE_AUTH_TOKEN: "canary", DATABASE_AUTH_TOKEN_FILE: "/run/secrets/database" });
  expect(text).toContain("\n  DATABASE_AUTH_TOKEN_FILE: expected nothing beside DATABASE_AUTH_TOKEN");
  expect(text).not.toContain("canary");
});

test("C2 one error names every wrong variable", () => {
  const text = textOf({
    PORT: "abc",
    HOST: "0.0.0.0",
    LOG_LEVEL: "loud",
    AUTH_DEMO_ANYWHERE: "maybe",
    ORIGINS: "*, https://ok.example, b.example",
    JWT_SECRET: "canary",
  });
  expect(text).toBe(
    [
      "6 variables of the environment are wrong",
      '  PORT: expected a whole number from 0 to 65535; it is "abc"',
      '  ORIGINS: expected a list of origins with commas (Wildcards are not supported, every origin is named; the origin is "*"; Expected "https://host" or "https://host:port"; the origin is "b.example"); it is "*, https://ok.example, b.example"',
      '  AUTH_DEMO_ANYWHERE: expected "1" or nothing; it is "maybe"',
      "  JWT_SECRET: expected at least 32 bytes; it is set (not shown)",
      '  LOG_LEVEL: expected trace, debug, info, warning, error, fatal; it is "loud"',
      '  HOST: expected a loopback address with AUTH=demo, which does not authenticate users (AUTH_DEMO_ANYWHERE=1 allows it); it is "0.0.0.0"',
    ].join("\n"),
  );
});

test("C3 no error text holds a secret", () => {
  const everywhere = [
    { JWT_SECRET: "canary", AUTH: "jwt" },
    { JWT_SECRET: secret },
    { JWT_SECRET: secret, JWKS_URL: "https://id.example", AUTH: "jwt" },
    { DATABASE_AUTH_TOKEN: "canary", PORT: "x" },
    { DATABASE_URL: "postgres://user:canary@host/db" },
    { DATABASE_URL: "postgres:user:can,canary@host" },
    { DATABASE_URL: "user:canary@host" },
    { DATABASE_URL: "postgres://user:can@canary@host/db" },
    { DATABASE_URL: "postgres://host/db?authToken=canary" },
    { JWKS_URL: "https://user:canary@id.example/jwks", AUTH: "jwt" },
    { JWKS_URL: "http://id.example/jwks?key=canary", AUTH: "jwt" },
    { ORIGINS: "https://user:canary@a.example" },
    { ORIGINS: "https://user:canary,canary@a.example" },
    { ORIGINS: "https://a.example?canary" },
    { ORIGINS: "https://ok.example,https://a.example/?x=canary,*" },
    { HOST: "user:canary@host" },
  ];
  for (const env of everywhere) expect(textOf(env)).not.toContain("canary");
});

test("C3 a value is shown on one line and cut", () => {
  const text = textOf({ HOST: `a\n\r\u001b[31m${"x".repeat(500)}` });
  expect(text.split("\n")).toHaveLength(2);
  expect(text).not.toContain("\u001b");
  expect(text.length).toBeLessThan(300);
});

test("C5 the demo listens on loopback only, unless AUTH_DEMO_ANYWHERE allows more", () => {
  for (const HOST of ["0.0.0.0", "::", "192.168.1.5", "chat.example", "localhost.evil.com", "127.1"]) {
    expect(textOf({ HOST })).toContain("AUTH_DEMO_ANYWHERE=1");
    expect(readConfig({ HOST, AUTH_DEMO_ANYWHERE: "1" })).toMatchObject({
      host: HOST,
      auth: { kind: "demo", anywhere: true },
    });
    expect(textOf({ HOST, AUTH_DEMO_ANYWHERE: "0" })).toContain("HOST");
    expect(readConfig({ HOST, AUTH: "jwt", JWT_SECRET: secret }).host).toBe(HOST);
  }
});

describe("jwt", () => {
  test("C6 AUTH=jwt needs a way to check tokens", () => {
    expect(textOf({ AUTH: "jwt" })).toContain(
      "JWT_SECRET: expected at least 32 bytes with AUTH=jwt (or JWKS_URL in its place); it is not set",
    );
  });

  test("C6 AUTH=jwt takes only one", () => {
    expect(textOf({ AUTH: "jwt", JWT_SECRET: secret, JWKS_URL: "https://id.example/k" })).toContain(
      "exactly one of the two",
    );
  });

  test("C6 a secret or key URL without AUTH=jwt is refused", () => {
    expect(textOf({ JWT_SECRET: secret })).toContain("JWT_SECRET: expected nothing unless AUTH=jwt");
    expect(textOf({ JWKS_URL: "https://id.example/k" })).toContain("JWKS_URL: expected nothing unless AUTH=jwt");
  });

  test("C7 a secret has at least 32 bytes", () => {
    expect(textOf({ AUTH: "jwt", JWT_SECRET: "x".repeat(31) })).toContain("at least 32 bytes");
    expect(readConfig({ AUTH: "jwt", JWT_SECRET: "é".repeat(16) }).auth.kind).toBe("jwt");
  });

  test("C7 keys come over https, or http on this machine", () => {
    for (const JWKS_URL of [
      "https://id.example/k",
      "http://127.0.0.1:8080/k",
      "http://localhost/k",
      "http://[::1]:1/k",
    ]) {
      expect(readConfig({ AUTH: "jwt", JWKS_URL }).auth).toEqual({ kind: "jwt", jwksUrl: JWKS_URL });
    }
    for (const JWKS_URL of [
      "http://id.example/k",
      "http://localhost.evil.com/k",
      "file:///k",
      "id.example",
      "https://",
    ]) {
      expect(textOf({ AUTH: "jwt", JWKS_URL })).toContain("JWKS_URL: expected an https URL");
    }
  });
});

test("U21 variables of one provider are required together, and no error shows a secret", () => {
  const canary = "canary-0123456789";
  for (const [env, missing] of [
    [{ ONESIGNAL_APP_ID: "app" }, ["ONESIGNAL_API_KEY: expected a value beside ONESIGNAL_APP_ID"]],
    [{ ONESIGNAL_API_KEY: canary }, ["ONESIGNAL_APP_ID: expected a value beside ONESIGNAL_API_KEY"]],
    [{ VAPID_PRIVATE_KEY: canary }, ["VAPID_PUBLIC_KEY: expected", "VAPID_SUBJECT: expected"]],
    [{ PUSH_WEBHOOK_URL: `https://app.example/${canary}` }, ["PUSH_WEBHOOK_SECRET: expected"]],
    [{ PUSH_WEBHOOK_SECRET: canary }, ["PUSH_WEBHOOK_URL: expected"]],
    [
      { PUSH_WEBHOOK_URL: `http://${canary}.example`, PUSH_WEBHOOK_SECRET: canary },
      ["PUSH_WEBHOOK_URL: expected an https"],
    ],
    [{ FCM_BASE_URL: "http://fcm.example" }, ["FCM_BASE_URL: expected an https URL"]],
    [{ PUSH_ACCOUNTS_PER_DEVICE: "many" }, ["PUSH_ACCOUNTS_PER_DEVICE: expected one or several"]],
    [{ PUSH_DELAY_MS: "1.5" }, ["PUSH_DELAY_MS: expected a whole number"]],
  ] as const) {
    const text = textOf(env);
    for (const line of missing) expect(text).toContain(line);
    expect(text).not.toContain(canary);
  }
});
