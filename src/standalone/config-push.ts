import * as v from "valibot";
import { present } from "../internal/present.ts";
import { type Fault, oneOf, safeUrl, wholeNumber } from "./config-variable.ts";

/** How the standalone server notifies users who are away; a provider that is absent is not used. */
export type PushConfig = {
  /** The account's JSON, or the path of a file that holds it. */
  readonly fcm?: { readonly serviceAccount: string; readonly baseUrl?: string };
  readonly oneSignal?: { readonly appId: string; readonly apiKey: string; readonly baseUrl?: string };
  readonly webPush?: { readonly publicKey: string; readonly privateKey: string; readonly subject: string };
  readonly webhook?: { readonly url: string; readonly secret: string };
  /** How long a connected device may take to ack; absent: the time in the limits. */
  readonly delayMs?: number;
  /** Absent: one. */
  readonly accountsPerDevice?: "one" | "several";
};

const anyText = v.string();

/** The providers check the forms of their values themselves. */
export const pushVariables = {
  FCM_SERVICE_ACCOUNT: v.optional(anyText),
  FCM_BASE_URL: v.optional(safeUrl),
  ONESIGNAL_APP_ID: v.optional(anyText),
  ONESIGNAL_API_KEY: v.optional(anyText),
  ONESIGNAL_BASE_URL: v.optional(safeUrl),
  VAPID_PUBLIC_KEY: v.optional(anyText),
  VAPID_PRIVATE_KEY: v.optional(anyText),
  VAPID_SUBJECT: v.optional(anyText),
  PUSH_WEBHOOK_URL: v.optional(safeUrl),
  PUSH_WEBHOOK_SECRET: v.optional(anyText),
  PUSH_ACCOUNTS_PER_DEVICE: v.optional(oneOf(["one", "several"], "one or several")),
  PUSH_DELAY_MS: v.optional(wholeNumber([0, 600_000], "of milliseconds ")),
};

export type PushVariables = { readonly [Name in keyof typeof pushVariables]?: string | undefined };

/** Secrets: no error shows the values of these variables. The address of a webhook may be a secret by itself. */
export const pushSecrets = [
  "FCM_SERVICE_ACCOUNT",
  "ONESIGNAL_API_KEY",
  "VAPID_PRIVATE_KEY",
  "PUSH_WEBHOOK_URL",
  "PUSH_WEBHOOK_SECRET",
];

/** Variables that only work together. */
const groups: readonly (readonly (keyof PushVariables)[])[] = [
  ["ONESIGNAL_APP_ID", "ONESIGNAL_API_KEY"],
  ["VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT"],
  ["PUSH_WEBHOOK_URL", "PUSH_WEBHOOK_SECRET"],
];

/** Variables that are missing although others of their group are set. */
export const missingPushVariables = (env: PushVariables): readonly Fault<keyof PushVariables>[] =>
  groups.flatMap((group) => {
    const set = group.filter((name) => env[name] !== undefined);
    if (set.length === 0) return [];
    return group.filter((name) => env[name] === undefined).map((name) => [name, `a value beside ${set[0]}`] as const);
  });

export function pushOf(env: PushVariables): PushConfig {
  const { FCM_SERVICE_ACCOUNT: account, ONESIGNAL_APP_ID: appId, ONESIGNAL_API_KEY: apiKey } = env;
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject } = env;
  const { PUSH_WEBHOOK_URL: url, PUSH_WEBHOOK_SECRET: secret, PUSH_DELAY_MS: delay } = env;
  return {
    ...(account !== undefined && { fcm: { serviceAccount: account, ...present({ baseUrl: env.FCM_BASE_URL }) } }),
    ...(appId !== undefined &&
      apiKey !== undefined && { oneSignal: { appId, apiKey, ...present({ baseUrl: env.ONESIGNAL_BASE_URL }) } }),
    ...(publicKey !== undefined &&
      privateKey !== undefined &&
      subject !== undefined && { webPush: { publicKey, privateKey, subject } }),
    ...(url !== undefined && secret !== undefined && { webhook: { url, secret } }),
    ...(delay !== undefined && { delayMs: Number(delay) }),
    ...(env.PUSH_ACCOUNTS_PER_DEVICE === "several" && { accountsPerDevice: "several" }),
  };
}
