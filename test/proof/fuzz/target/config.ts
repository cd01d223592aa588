import fc from "fast-check";
import { readConfig } from "../../../../src/standalone/config.ts";
import { ChatError } from "../../../../src/error.ts";
import { createTarget, type Target } from "../target.ts";

const names = [
  ..."PORT HOST DATABASE_URL ORIGINS AUTH AUTH_DEMO_ANYWHERE JWKS_URL JWT_ISSUER JWT_AUDIENCE".split(" "),
  ..."JWT_COOKIE JWT_USER_CLAIM JWT_TENANT_CLAIM JWT_CLOCK_TOLERANCE_S LOG_LEVEL HEARTBEAT_MS SHUTDOWN_MS PATH __proto__ constructor".split(
    " ",
  ),
  ..."FCM_BASE_URL ONESIGNAL_APP_ID ONESIGNAL_BASE_URL VAPID_PUBLIC_KEY VAPID_SUBJECT PUSH_DELAY_MS".split(" "),
];
/** Recognised in an error's text, wherever it comes from. */
const canary = "canary-4f1c";
const value = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    "0",
    "1",
    "6662",
    "65536",
    "-1",
    "1e3",
    "demo",
    "jwt",
    "info",
    "127.0.0.1",
    "::1",
    "0.0.0.0",
    "*",
  ),
  fc.constantFrom(
    "file:x.db",
    "file:",
    "libsql://h",
    "https://u:p@h/?a=b",
    "http://",
    "https://a,https://b",
    "null",
    "%",
    "[",
  ),
);
const secret = fc.constantFrom(canary, canary.repeat(4), `https://${canary}@host`, `${canary}\n`);

/** The environment of the standalone server: it is accepted, or refused with one text that contains no secret. */
export const configTarget = (read: typeof readConfig = readConfig): Target =>
  createTarget({
    name: "config",
    inputs: fc.record({
      plain: fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5 }),
      JWT_SECRET: fc.option(secret, { nil: undefined }),
      DATABASE_AUTH_TOKEN: fc.option(secret, { nil: undefined }),
      FCM_SERVICE_ACCOUNT: fc.option(secret, { nil: undefined }),
      ONESIGNAL_API_KEY: fc.option(secret, { nil: undefined }),
      VAPID_PRIVATE_KEY: fc.option(secret, { nil: undefined }),
      PUSH_WEBHOOK_URL: fc.option(secret, { nil: undefined }),
      PUSH_WEBHOOK_SECRET: fc.option(secret, { nil: undefined }),
    }),
    judge({ plain, ...secrets }) {
      try {
        read({ ...plain, ...secrets });
        return null;
      } catch (error) {
        if (!(error instanceof ChatError) || error.code !== "config_invalid") return `threw ${String(error)}`;
        return error.message.includes(canary) ? "leaked a secret" : null;
      }
    },
  });
