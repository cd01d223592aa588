/**
 * Prints the requests of the providers on the runtime that runs this, as JSON. Its arguments: a subscription, a webhook's secret, and the options of FCM
 * and of OneSignal, to which it sends real requests.
 */
import { fcm, type FcmOptions } from "../../src/push/provider/fcm.ts";
import { oneSignal, type OneSignalOptions } from "../../src/push/provider/onesignal.ts";
import { resolveHost } from "../../src/push/provider/resolve-host.ts";
import { webhook } from "../../src/push/provider/webhook.ts";
import { generateVapidKeys, webPush } from "../../src/push/provider/webpush.ts";
import { noticeTo, send } from "./send.ts";

const [subscription = "", secret = "", services = ""] = process.argv.slice(2);
const options = JSON.parse(services) as { readonly fcm: FcmOptions; readonly oneSignal: OneSignalOptions };
const keys = await generateVapidKeys();

const asked: object[] = [];
const fetch = async (url: string, init: RequestInit): Promise<Response> => {
  const body = new Uint8Array(await new Response(init.body).arrayBuffer());
  asked.push({ url, headers: init.headers, body: btoa(String.fromCharCode(...body)) });
  return new Response(null, { status: 201 });
};

const web = webPush({
  ...keys,
  subject: "mailto:ops@shop.example",
  fetch,
  resolve: () => Promise.resolve(["142.250.1.95"]),
});
const hook = webhook({ url: "https://shop.example/push", secret, fetch });
const parsed = web.parse(JSON.parse(subscription) as Record<string, unknown>, { tenant: "acme", user: "alice" });
const beside = JSON.parse(parsed?.token ?? "") as { keys: { p256dh: string } };
// A point with the same x lies on the curve only for one y and its negative.
// Of a thousand keys one ends as any given text does.
beside.keys.p256dh = beside.keys.p256dh.replace(/.(.)$/, (end) => (end.startsWith("A") ? "BA" : "AA"));
const results = [
  await send(web, noticeTo(parsed?.token ?? "")),
  await send(web, noticeTo(JSON.stringify(beside))),
  await send(hook, noticeTo("")),
  await send(fcm(options.fcm), noticeTo("a-phone")),
  await send(oneSignal(options.oneSignal), noticeTo("external:acme!alice")),
];
const resolved = await resolveHost("localhost");
console.log(JSON.stringify({ resolved, publicKey: keys.publicKey, results, asked }));
