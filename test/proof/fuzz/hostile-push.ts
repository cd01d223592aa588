import fc from "fast-check";
import { fcm } from "../../../src/push/provider/fcm.ts";
import type { Fetch } from "../../../src/push/provider/fetch.ts";
import { oneSignal } from "../../../src/push/provider/onesignal.ts";
import { generateVapidKeys } from "../../../src/push/provider/vapid-keys.ts";
import { webhook } from "../../../src/push/provider/webhook.ts";
import { webPush } from "../../../src/push/provider/webpush.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import { openFcm } from "../../push/fake/fcm.ts";

/** An account as the provider's console exports it; its key is made once. */
let account: Promise<Record<string, unknown>> | undefined;
export const someAccount = (): Promise<Record<string, unknown>> => (account ??= makeAccount());
async function makeAccount(): Promise<Record<string, unknown>> {
  const fake = await openFcm({ now: Date.now });
  await fake.close();
  return fake.serviceAccount({ token_uri: "https://oauth2.googleapis.com/token" });
}

/** Every provider, with `fetch` as its only network. */
export async function everyProvider(fetch: Fetch): Promise<readonly PushProvider[]> {
  const keys = await generateVapidKeys();
  return [
    fcm({ serviceAccount: await someAccount(), fetch }),
    oneSignal({ appId: "8250eaf6-1a58-489e-b136-7c74a864b434", apiKey: "key", fetch }),
    webPush({ ...keys, subject: "mailto:ops@shop.example", fetch, resolve: async () => ["142.250.1.1"] }),
    webhook({ url: "https://shop.example/push", secret: "a-secret-of-the-tests-long-enough", fetch }),
  ];
}

/** A server for push providers that accepts everything, and the environment that names it; without Web Push, which asks real services. */
export async function startTaker() {
  // Kept-alive sockets would count as left open.
  const headers = { Connection: "close" };
  let asked = 0;
  const fetch = (): Response => (asked++, Response.json(takerAnswer, { headers }));
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    env: {
      FCM_SERVICE_ACCOUNT: JSON.stringify({ ...(await someAccount()), token_uri: `${url}/token` }),
      FCM_BASE_URL: url,
      ONESIGNAL_APP_ID: "8250eaf6-1a58-489e-b136-7c74a864b434",
      ONESIGNAL_API_KEY: "key",
      ONESIGNAL_BASE_URL: url,
      PUSH_WEBHOOK_URL: `${url}/hook`,
      PUSH_WEBHOOK_SECRET: "a-secret-of-the-tests-long-enough",
    },
    asked: (): number => asked,
    stop: () => server.stop(true),
  };
}

/** A positive answer for every provider, and the access token that one of them wants. */
export const takerAnswer = { access_token: "token", expires_in: 3_600, name: "projects/x/messages/1", id: "1" };

const oddText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("", "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202e", "null", "__proto__", " a", "a ", "a\r\nb", "é"),
  fc.constantFrom("x".repeat(4_096), "x".repeat(4_097), "x".repeat(60_000), "😀".repeat(2_000)),
);
const number = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, -1, 1e300, Number.MAX_SAFE_INTEGER + 1),
);

const token = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.constantFrom("alice", "bob", "external:bob", "acme!alice", "subscription:x"),
  oddText,
);
const host = fc.constantFrom(
  ...["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", "x.notify.windows.com"],
  ...["notify.windows.com", "evilnotify.windows.com", "fcm.googleapis.com.evil.example", "127.0.0.1", "[::1]"],
  ...["fcm.googleapis.com.", "FCM.googleapis.com", "fcm。googleapis。com", "0x7f.1", "169.254.169.254", "localhost"],
);
const endpoint = fc.oneof(
  fc.tuple(host, fc.uuid()).map(([name, path]) => `https://${name}/${path}`),
  fc
    .tuple(
      fc.constantFrom("https://", "https://", "https://", "http://", "HTTPS://", "https:/", "//", "ws://", ""),
      fc.constantFrom("", "", "", "user@", "user:pass@", "@", "%40", "a.", "."),
      host,
      fc.constantFrom("", "", "", ":443", ":80", ":", ":99999", "\\", "#", "?"),
      token.map((path) => `/${path}`),
    )
    .map((parts) => parts.join("")),
  oddText,
);
const bytes = (length: number, first?: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((some) => {
    if (first !== undefined) some[0] = first;
    return Buffer.from(some).toString("base64url");
  });
/** A point on the curve (RFC 8291 appendix A): few points are. */
const point = fc.oneof(
  fc.constant("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
  bytes(65, 4),
);
const key = fc.oneof(bytes(65, 4), bytes(65, 4), bytes(16), bytes(16), bytes(64), bytes(17), oddText);
const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), number, oddText);
const deep = fc.constantFrom(...["[", '{"a":', '{"__proto__":', '{"keys":'].map((open) => nested(open, 3_000)));

/** As parsed from JSON, with names that no literal has. */
function nested(open: string, depth: number): unknown {
  const close = open.startsWith("[") ? "]" : "}";
  return JSON.parse(`${open.repeat(depth)}null${close.repeat(depth)}`);
}

const subscription = fc.record(
  {
    endpoint: fc.oneof({ weight: 9, arbitrary: endpoint }, anything),
    keys: fc.oneof(
      { weight: 4, arbitrary: fc.record({ p256dh: point, auth: bytes(16) }) },
      { weight: 3, arbitrary: fc.record({ p256dh: key, auth: key }) },
      { weight: 1, arbitrary: fc.dictionary(fc.constantFrom("p256dh", "auth", "__proto__"), fc.oneof(key, anything)) },
      { weight: 1, arbitrary: fc.oneof(anything, deep) },
    ),
    expirationTime: fc.oneof(fc.constant(null), number, anything),
    more: anything,
  },
  { requiredKeys: ["endpoint", "keys"] },
);

/** A client's registration without the provider, as parsed from JSON. */
export const hostilePush: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .oneof(
    { weight: 4, arbitrary: fc.record({ token }) },
    { weight: 4, arbitrary: fc.record({ subscription }) },
    { weight: 2, arbitrary: subscription },
    {
      weight: 3,
      arbitrary: fc.dictionary(
        fc.constantFrom("token", "subscription", "endpoint", "keys", "expirationTime", "__proto__", "constructor", "x"),
        fc.oneof(token, endpoint, subscription, anything, deep),
      ),
    },
    { weight: 1, arbitrary: fc.constant({}) },
  )
  // JSON has no Infinity, and `__proto__` is an ordinary name there.
  .map((push) => JSON.parse(JSON.stringify(push)) as Readonly<Record<string, unknown>>);
