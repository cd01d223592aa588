import { expect, test } from "bun:test";
import * as v from "valibot";
import { missingPushVariables, pushOf, pushVariables } from "../../src/standalone/config-push.ts";

const vapid = { VAPID_PUBLIC_KEY: "p", VAPID_PRIVATE_KEY: "s", VAPID_SUBJECT: "mailto:a@b.example" };

test("U21 a provider is configured once all of its variables are set", () => {
  expect(pushOf({})).toEqual({});
  expect(pushOf({ FCM_SERVICE_ACCOUNT: "{}" })).toEqual({ fcm: { serviceAccount: "{}" } });
  expect(pushOf({ FCM_SERVICE_ACCOUNT: "{}", FCM_BASE_URL: "https://f.example" }).fcm?.baseUrl).toBe(
    "https://f.example",
  );
  expect(
    pushOf({
      ...vapid,
      ONESIGNAL_APP_ID: "a",
      ONESIGNAL_API_KEY: "k",
      PUSH_WEBHOOK_URL: "u",
      PUSH_WEBHOOK_SECRET: "w",
    }),
  ).toEqual({
    webPush: { publicKey: "p", privateKey: "s", subject: "mailto:a@b.example" },
    oneSignal: { appId: "a", apiKey: "k" },
    webhook: { url: "u", secret: "w" },
  });
  for (const half of [
    { ...vapid, VAPID_SUBJECT: undefined },
    { ONESIGNAL_APP_ID: "a" },
    { ONESIGNAL_API_KEY: "k" },
    { PUSH_WEBHOOK_URL: "u" },
  ])
    expect(pushOf(half)).toEqual({});
});

test("U21 each variable that a provider lacks is named beside one that is set", () => {
  expect([missingPushVariables({}), missingPushVariables(vapid)]).toEqual([[], []]);
  expect(missingPushVariables({ VAPID_SUBJECT: "m", PUSH_WEBHOOK_SECRET: "w" })).toEqual([
    ["VAPID_PUBLIC_KEY", "a value beside VAPID_SUBJECT"],
    ["VAPID_PRIVATE_KEY", "a value beside VAPID_SUBJECT"],
    ["PUSH_WEBHOOK_URL", "a value beside PUSH_WEBHOOK_SECRET"],
  ]);
});

test("U21 C7 the delay and the accounts of a device are set within their bounds", () => {
  expect(pushOf({ PUSH_DELAY_MS: "0", PUSH_ACCOUNTS_PER_DEVICE: "several" })).toEqual({
    delayMs: 0,
    accountsPerDevice: "several",
  });
  expect(pushOf({ PUSH_ACCOUNTS_PER_DEVICE: "one" })).toEqual({});
  expect([v.is(pushVariables.PUSH_DELAY_MS, "600000"), v.is(pushVariables.PUSH_DELAY_MS, "600001")]).toEqual([
    true,
    false,
  ]);
  expect([
    v.is(pushVariables.PUSH_ACCOUNTS_PER_DEVICE, "two"),
    v.is(pushVariables.FCM_BASE_URL, "http://f.example"),
  ]).toEqual([false, false]);
});
