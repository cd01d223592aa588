import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, type Answers, serverAt } from "../http/ask.ts";
import { type Client, endClients, join as connect } from "../support/client.ts";
import { until } from "../support/fake-socket.ts";
import { type RunningServer, startServer, temporaryFolder } from "../support/server.ts";
import { newId } from "../support/store.ts";
import { type FakeFcm, openFcm } from "./fake/fcm.ts";
import { type FakeOneSignal, openOneSignal } from "./fake/onesignal.ts";
import { type FakeWebhook, startFakeWebhook } from "./fake/webhook.ts";

const root = join(import.meta.dir, "../..");
const delayMs = 1_000;
const secret = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;

let fcm: FakeFcm;
let oneSignal: FakeOneSignal;
let hook: FakeWebhook;
let server: RunningServer;
let api: Answers;
const folder = temporaryFolder();
beforeAll(async () => {
  fcm = await openFcm({ now: Date.now });
  oneSignal = await openOneSignal();
  hook = await startFakeWebhook(secret);
  writeFileSync(join(folder, "account.json"), JSON.stringify(fcm.serviceAccount()));
  server = await startServer({
    dir: folder,
    env: {
      FCM_SERVICE_ACCOUNT: "account.json",
      FCM_BASE_URL: fcm.url,
      ONESIGNAL_APP_ID: oneSignal.appId,
      ONESIGNAL_API_KEY: oneSignal.apiKey,
      ONESIGNAL_BASE_URL: oneSignal.url,
      PUSH_WEBHOOK_URL: hook.url,
      PUSH_WEBHOOK_SECRET: secret,
      PUSH_DELAY_MS: String(delayMs),
    },
  });
  api = serverAt(server.port);
});
afterAll(async () => {
  endClients();
  await server.dispose();
  await Promise.all([fcm.close(), oneSignal.close(), hook.dispose()]);
  rmSync(folder, { recursive: true, force: true });
});

const register = async (user: string, device: string, push: object): Promise<void> => {
  const { status } = await ask(api, user, `/devices/${device}`, { method: "PUT", body: { push } });
  expect(status).toBe(204);
};
async function send(to: string): Promise<{ id: string; conversation: string; seq: number }> {
  const { status, body } = await ask<{ id: string; conversation: string; seq: number }>(api, "alice", "/messages", {
    body: { id: newId(), to, text: "a canary in the text" },
  });
  expect(status).toBe(201);
  return body;
}
type Conversations = { readonly conversations: readonly { with: string; peer: { delivered: number } }[] };
const seqsOf = (token: string): number[] => [...fcm.display.screen(token).notifications.values()].map(({ seq }) => seq);

async function tidings(...args: string[]) {
  const child = Bun.spawn([process.execPath, join(root, "src/cli.ts"), ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, exitCode };
}

describe("the standalone server", () => {
  test("U21 U1 notifies disconnected users through each provider of its environment, without the message", async () => {
    await register("bob", "phone", { provider: "fcm", token: "bobs-phone" });
    await register("bob", "tablet", { provider: "onesignal", token: "b15ba6e5-2223-49d6-9eda-684b9051f5a8" });
    const { conversation, seq } = await send("bob");
    await until(() => seqsOf("bobs-phone").length === 1, "the notification by FCM");
    await until(
      () => oneSignal.display.screen("subscription:b15ba6e5-2223-49d6-9eda-684b9051f5a8").notifications.size === 1,
      "the notification by OneSignal",
    );
    await until(() => hook.posted.some(({ data }) => data["user"] === "bob"), "the webhook");
    const [shown] = [...fcm.display.screen("bobs-phone").notifications.values()];
    expect(shown).toMatchObject({
      seq,
      title: "New message",
      body: "",
      data: { conversation, unread: "1", badge: "1" },
    });
    expect(JSON.stringify([shown, hook.posted])).not.toMatch(/canary|alice/);
    expect([fcm.violations, oneSignal.violations, hook.violations]).toEqual([[], [], []]);
  });

  /** Whether a phone that acks was notified, beside one that does not ack and is; null: the ack was stored too late to tell. */
  async function isAckingNotified(nth: number): Promise<boolean | null> {
    const [deaf, keen] = [`deaf${nth}`, `keen${nth}`];
    for (const user of [deaf, keen]) await register(user, "phone", { provider: "fcm", token: `${user}-phone` });
    const of = (user: string): Promise<Client> => connect(server.url, { user, device: "phone" });
    const [silent, acking] = [await of(deaf), await of(keen)];
    const start = performance.now();
    for (const user of [deaf, keen]) await send(user);
    await until(() => silent.messages().length === 1 && acking.messages().length === 1);
    acking.ack(acking.cursor());
    await until(async () => {
      const { body } = await ask<Conversations>(api, "alice", "/conversations");
      return body.conversations.find((one) => one.with === keen)?.peer.delivered === 1;
    }, "the ack");
    const isInTime = performance.now() - start < delayMs;
    await until(() => seqsOf(`${deaf}-phone`).length === 1, "the notification");
    expect(performance.now() - start).toBeGreaterThan(delayMs);
    await Bun.sleep(2 * delayMs);
    return isInTime ? seqsOf(`${keen}-phone`).length > 0 : null;
  }

  test("U1 a phone with an open socket that does not ack is notified after the delay; one that acks is not", async () => {
    let isNotified: boolean | null = null;
    for (let nth = 0; nth < 10 && isNotified === null; nth++) isNotified = await isAckingNotified(nth);
    expect(isNotified).toBe(false);
  });

  test("U21 U10 tidings push explain works while the server has the file open, and without the server", async () => {
    await register("carol", "phone", { provider: "fcm", token: "carols-phone" });
    const { id, conversation } = await send("carol");
    await until(() => seqsOf("carols-phone").length === 1);
    // The outcome is stored a moment after the notification was shown.
    let served = await tidings("push", "explain", id, "carol");
    for (let i = 0; i < 100 && !served.stdout.includes("send, sent"); i++)
      served = await tidings("push", "explain", id, "carol");
    expect([served.stderr, served.exitCode]).toEqual(["", 0]);
    expect(served.stdout).toContain(`Message 1 of ${conversation}, from alice`);
    expect(served.stdout).toContain("phone by fcm: send, sent. The provider has taken it");
    expect(served.stdout).toMatch(/decided 20\d\d-.*; answer: \S+/);
    const json = await tidings("push", "explain", id, "carol", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject([{ id, from: "alice", decisions: [{}, {}] }]);
    for (const [args, text] of [
      [[newId(), "carol"], "There is no such message to that user"],
      [[id, "bob"], "There is no such message to that user"],
      [["1", "carol"], "not a canonical UUID"],
      [[id, "c c"], "malformed"],
    ] as const) {
      const refused = await tidings("push", "explain", ...args);
      expect([refused.exitCode, refused.stdout]).toEqual([1, ""]);
      expect(refused.stderr).toContain(text);
    }
    await server.stop();
    const alone = await tidings("push", "explain", id, "carol");
    expect(alone.stdout).toBe(served.stdout);
  });
});

describe("a wrong environment", () => {
  test("U21 is reported with the names of its variables, and without a secret", async () => {
    const canary = "canary0123456789abcdef";
    for (const [env, text] of [
      [{ FCM_SERVICE_ACCOUNT: "nowhere.json" }, "FCM_SERVICE_ACCOUNT: It is neither JSON nor a file"],
      [{ FCM_SERVICE_ACCOUNT: JSON.stringify({ private_key: canary }) }, "FCM_SERVICE_ACCOUNT: "],
      [
        { ONESIGNAL_APP_ID: "no app", ONESIGNAL_API_KEY: canary },
        "ONESIGNAL_APP_ID, ONESIGNAL_API_KEY: The id of the OneSignal app",
      ],
      [
        { VAPID_PUBLIC_KEY: "k", VAPID_PRIVATE_KEY: canary, VAPID_SUBJECT: "mailto:a@b.example" },
        "VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT: ",
      ],
      [
        { PUSH_WEBHOOK_URL: "https://app.example/", PUSH_WEBHOOK_SECRET: canary },
        "PUSH_WEBHOOK_URL, PUSH_WEBHOOK_SECRET: ",
      ],
    ] as const) {
      const said = await startServer({ env }).then(
        (server) => server.dispose().then(() => "it serves"),
        (error: unknown) => String(error),
      );
      expect(said).toContain(text);
      expect(said).not.toContain(canary);
      expect(said).not.toMatch(/\n\s+at /);
    }
  });
});
