import { expect, test } from "bun:test";
import { join } from "node:path";
import { base64url } from "jose";
import { Webhook } from "standardwebhooks";
import { describeWith, programPath } from "../support/prerequisite.ts";
import { openFcm } from "./fake/fcm.ts";
import { openOneSignal } from "./fake/onesignal.ts";
import { createReceiver, faultOfVapid, openEnvelope } from "./fake/push-envelope.ts";
import { withBundle } from "./planted.ts";

const entry = join(import.meta.dir, "runtime-entry.ts");
const deno = join(import.meta.dir, "../../node_modules/.bin/deno");

type Asked = { readonly url: string; readonly headers: Record<string, string>; readonly body: string };
type Said = {
  readonly publicKey: string;
  /** Of localhost, as the runtime resolves it. */
  readonly resolved: readonly string[];
  readonly results: readonly { type: string; answer: string }[];
  readonly asked: readonly Asked[];
};

/** This runtime reads the requests of another one. */
async function tryOn(runtime: readonly string[]): Promise<void> {
  const receiver = createReceiver();
  const [google, signal] = [await openFcm({ now: Date.now }), await openOneSignal()];
  const services = {
    fcm: { serviceAccount: google.serviceAccount(), baseUrl: google.url },
    oneSignal: { appId: signal.appId, apiKey: signal.apiKey, baseUrl: signal.url },
  };
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const p256dh = receiver.ecdh.getPublicKey("base64url");
  const endpoint = "https://fcm.googleapis.com/fcm/send/abc";
  const subscription = { endpoint, expirationTime: null, keys: { p256dh, auth: base64url.encode(receiver.auth) } };
  const said = await withBundle(entry, [], async (path) => {
    const args = [JSON.stringify(subscription), secret, JSON.stringify(services)];
    const child = Bun.spawn([...runtime, path, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as Said;
  });
  expect(said.results).toEqual([
    { type: "sent", answer: "HTTP 201" },
    { type: "dead", answer: "the subscription's key is not on the curve" },
    { type: "sent", answer: "HTTP 201" },
    { type: "sent", answer: expect.any(String) },
    { type: "sent", answer: expect.any(String) },
  ]);
  expect(google.display.screen("a-phone").notifications.size).toBe(1);
  expect(signal.display.screen("external:acme!alice").notifications.size).toBe(1);
  expect([google.violations, signal.violations]).toEqual([[], []]);
  await Promise.all([google.close(), signal.close()]);
  expect(said.resolved.length).toBeGreaterThan(0);
  for (const address of said.resolved) expect(["127.0.0.1", "::1"]).toContain(address);
  const [web, hook] = said.asked;
  if (web === undefined || hook === undefined) throw new Error("Something was not sent");
  expect(web.url).toBe(endpoint);
  expect(JSON.parse(openEnvelope(Buffer.from(web.body, "base64"), receiver))).toMatchObject({ seq: 7, unread: 2 });
  const wanted = { origin: "https://fcm.googleapis.com", publicKey: said.publicKey, nowMs: Date.now() };
  expect(faultOfVapid(web.headers["Authorization"] ?? "", wanted)).toBeNull();
  const body = Buffer.from(hook.body, "base64").toString();
  expect(new Webhook(secret).verify(body, hook.headers)).toMatchObject({ type: "message.unread" });
}

test("U16 U17 U18 U20 requests that Bun sends can be read", () => tryOn([process.execPath]));

test("U16 U17 U18 U20 requests that Deno sends can be read", () => tryOn([deno, "run", "--no-prompt", "--allow-net"]));

describeWith("node", "on Node", () => {
  test("U16 U17 U18 U20 the requests can be read", () => tryOn([programPath("node")]));
});
