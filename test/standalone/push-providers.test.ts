import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateVapidKeys } from "../../src/push/provider/vapid-keys.ts";
import { pushProviders } from "../../src/standalone/push-providers.ts";

const privateKey = generateKeyPairSync("rsa", { modulusLength: 1_024 }).privateKey.export({
  type: "pkcs8",
  format: "pem",
});
const account = JSON.stringify({
  type: "service_account",
  project_id: "p",
  client_email: "a@p.example",
  private_key: privateKey,
});
const webhook = { url: "https://hooks.example/", secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}` };

test("U21 each provider that is configured is made, in one order", async () => {
  const webPush = { ...(await generateVapidKeys()), subject: "mailto:a@b.example" };
  const oneSignal = { appId: "0198abcd-0000-4000-8000-00000000000f", apiKey: "os_v2_app_x" };
  const made = pushProviders({ webhook, webPush, oneSignal, fcm: { serviceAccount: ` ${account}` } });
  expect(made.map(({ name }) => name)).toEqual(["fcm", "onesignal", "webpush", "webhook"]);
  expect(pushProviders({})).toEqual([]);
});

test("U21 the account is JSON, or the path of a file with it", () => {
  const folder = mkdtempSync(join(tmpdir(), "tidings-"));
  try {
    const file = join(folder, "account.json");
    writeFileSync(file, account);
    expect(pushProviders({ fcm: { serviceAccount: file } })).toHaveLength(1);
    expect(() => pushProviders({ fcm: { serviceAccount: join(folder, "none.json") } })).toThrow(
      "FCM_SERVICE_ACCOUNT: It is neither JSON nor a file",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("U21 C3 a value that a provider refuses is reported under the names of its variables, and not shown", () => {
  const refusalOf = (config: Parameters<typeof pushProviders>[0]): string => {
    try {
      pushProviders(config);
      return "taken";
    } catch (error) {
      return Bun.inspect(error);
    }
  };
  for (const [config, names] of [
    [{ fcm: { serviceAccount: '{"private_key":"hunter2"}' } }, "FCM_SERVICE_ACCOUNT: "],
    [{ oneSignal: { appId: "hunter2", apiKey: "hunter2 hunter2" } }, "ONESIGNAL_APP_ID, ONESIGNAL_API_KEY: "],
    [
      { webPush: { publicKey: "hunter2", privateKey: "hunter2", subject: "s" } },
      "VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT: ",
    ],
    [{ webhook: { ...webhook, secret: "hunter2" } }, "PUSH_WEBHOOK_URL, PUSH_WEBHOOK_SECRET: "],
  ] as const) {
    expect(refusalOf(config)).toContain(names);
    expect(refusalOf(config)).not.toContain("hunter2");
  }
});
