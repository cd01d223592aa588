import { randomUUID } from "node:crypto";
import { generateVapidKeys } from "../../../src/push/provider/vapid-keys.ts";
import { openFcm } from "../../push/fake/fcm.ts";
import { canary } from "./canary-day.ts";
import { type Parrot, startParrot } from "./parrot.ts";

export type PushSecrets = {
  /** The environment variables of all providers. */
  readonly env: Readonly<Record<string, string>>;
  readonly canaries: readonly string[];
  readonly parrot: Parrot;
};

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** Providers that repeat every request in their answers, and their secrets, each with a canary. */
export async function canaryProviders(): Promise<PushSecrets> {
  const accessToken = canary("accesstoken");
  const parrot = startParrot(accessToken);
  const fcm = await openFcm({ now: Date.now });
  const account = fcm.serviceAccount({
    token_uri: `${parrot.url}/token`,
    private_key_id: canary("keyid"),
    note: canary("account"),
  });
  await fcm.close();
  const vapid = await generateVapidKeys();
  const secrets = { oneSignal: canary("onesignalkey"), hook: canary("hooksecret"), path: canary("hookpath") };
  const pem = String(account["private_key"]).split("\n");
  return {
    parrot,
    env: {
      FCM_SERVICE_ACCOUNT: JSON.stringify(account),
      FCM_BASE_URL: parrot.url,
      ONESIGNAL_APP_ID: randomUUID(),
      ONESIGNAL_API_KEY: secrets.oneSignal,
      ONESIGNAL_BASE_URL: parrot.url,
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      VAPID_SUBJECT: "mailto:ops@shop.example",
      PUSH_WEBHOOK_URL: `${parrot.url}/hook/${secrets.path}`,
      PUSH_WEBHOOK_SECRET: secrets.hook,
    },
    canaries: [
      ...[accessToken, String(account["private_key_id"]), String(account["note"]), vapid.privateKey],
      ...[...Object.values(secrets), ...pem.slice(2, 5)],
    ],
  };
}

type Ask = (path: string, method: string, body: string | null) => Promise<{ status: number; text: string }>;
type Made = (where: string) => string;

/** Registers devices of one user at every provider, valid and invalid ones, and asks why they were not notified. */
export function canaryDevices(ask: Ask, made: Made, canaries: string[]) {
  const secret = (text: string): string => {
    canaries.push(text);
    return text;
  };
  const put = (device: string, push: unknown) => ask(`/devices/${device}`, "PUT", JSON.stringify({ push }));
  /** Hosts that no name server knows: no request leaves. */
  const endpoint = (host = "nowhere.push.services.mozilla.com"): string =>
    `https://${host}/wpush/v2/${made("endpoint")}`;

  async function subscription() {
    const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
    const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const auth = crypto.getRandomValues(new Uint8Array(16));
    return { endpoint: endpoint(), keys: { p256dh: secret(base64url(point)), auth: secret(base64url(auth)) } };
  }

  return {
    /** Returns the statuses, each a success. */
    async register(): Promise<readonly number[]> {
      const statuses: number[] = [];
      const note = async (answer: Promise<{ status: number }>): Promise<void> =>
        void statuses.push((await answer).status);
      for (let i = 0; i < 9; i++) await note(put(`fcm${i}`, { provider: "fcm", token: made("pushtoken") }));
      for (let i = 0; i < 9; i++)
        await note(put(`onesignal${i}`, { provider: "onesignal", token: secret(randomUUID()) }));
      await note(put("browser", { provider: "webpush", subscription: await subscription() }));
      await note(put("hook", { provider: "webhook", token: made("pushtoken") }));
      return statuses;
    },

    /** Returns the statuses, none a success. */
    async blunder(): Promise<readonly number[]> {
      const whole = await subscription();
      const wrong: unknown[] = [
        { provider: "fcm", token: `${made("pushtoken")} ` },
        { provider: "fcm", token: made("pushtoken"), more: made("pushmore") },
        { provider: "fcm", token: { [made("pushname")]: made("pushtoken") } },
        { provider: "onesignal", token: made("externalid") },
        { provider: made("provider"), token: made("pushtoken") },
        { provider: "webpush", subscription: { ...whole, endpoint: `${endpoint()}#` } },
        { provider: "webpush", subscription: { ...whole, endpoint: endpoint("evil.example") } },
        { provider: "webpush", subscription: { ...whole, endpoint: endpoint(`${made("name")}@127.0.0.1`) } },
        { provider: "webpush", subscription: { ...whole, keys: { p256dh: made("p256dh"), auth: made("auth") } } },
        { provider: "webpush", subscription: made("subscription") },
        { provider: "webhook", token: `${made("pushtoken")}\0` },
        made("push"),
      ];
      const bodies = [...wrong.map((push) => JSON.stringify({ push })), made("body"), `{"push":"${made("body")}`];
      const answers = bodies.map((body) => ask("/devices/clumsy", "PUT", body));
      answers.push(ask(`/devices/${made("devicename")}!`, "PUT", "{}"));
      answers.push(ask(`/push/explain?message=${made("pushquery")}`, "GET", null));
      answers.push(
        ask("/quiet-hours", "PUT", JSON.stringify({ from: made("from"), to: "07:00", timeZone: made("zone") })),
      );
      return (await Promise.all(answers)).map(({ status }) => status);
    },

    /** Waits until this many pushes are decided and explained. */
    async explained(id: string, decided: number): Promise<void> {
      for (let i = 0; i < 200; i++) {
        const { text } = await ask(`/push/explain?message=${id}`, "GET", null);
        // The message's own time is one of them.
        if (text.split('"time":').length - 2 >= decided) return;
        await Bun.sleep(25);
      }
      throw new Error(`The results of ${decided} pushes were not known in time`);
    },
  };
}
