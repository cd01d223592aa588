import { beforeAll, describe, expect, test } from "bun:test";
import type { PushProvider } from "../../src/push/provider.ts";
import type { Fetch } from "../../src/push/provider/fetch.ts";
import { webhook } from "../../src/push/provider/webhook.ts";
import { generateVapidKeys, type VapidKeys, webPush } from "../../src/push/provider/webpush.ts";
import { createDisplay } from "./fake/display.ts";
import { type Fault, serveFake } from "./fake/http.ts";
import { startFakeWebhook } from "./fake/webhook.ts";
import { showOn, startFakePushService } from "./fake/webpush.ts";
import {
  checksFailedBy,
  type CommonFault,
  describeProvider,
  nowMs,
  type Subject,
  type SubjectDevice,
  weakened,
} from "./provider.contract.ts";

const identity = { tenant: "default", user: "alice" };
const now = () => nowMs;

const faultOf = (fault: CommonFault, elsewhere: string): Fault => {
  switch (fault) {
    case "busy":
      return { status: 429, headers: { "Retry-After": "7" } };
    case "down":
      return { status: 503, headers: { "Retry-After": new Date(nowMs + 90_000).toUTCString() } };
    case "dead":
      return { status: 410 };
    case "refused":
      return { status: 400 };
    case "tooLarge":
      return { status: 413 };
    case "redirect":
      return { status: 302, headers: { Location: elsewhere } };
    case "hang":
    case "lost":
      return fault;
  }
};

let keys: VapidKeys;
beforeAll(async () => {
  keys = await generateVapidKeys();
});

const systemFetch: Fetch = (url, init) => fetch(url, init);

async function openWebPush(over: (fetch: Fetch) => Fetch = (one) => one): Promise<Subject> {
  const display = createDisplay();
  const [service, elsewhere] = await Promise.all([
    startFakePushService({ deliver: showOn(display), now }),
    serveFake(() => ({ status: 201 })),
  ]);
  const secrets: string[] = [keys.privateKey];
  const options = { ...keys, subject: "mailto:ops@shop.example", resolve: () => Promise.resolve(["142.250.1.95"]) };
  return {
    provider: webPush({ ...options, fetch: over(service.fetch) }),
    device(_name): SubjectDevice {
      const subscription = service.subscribe(keys.publicKey);
      secrets.push(subscription.endpoint, ...Object.values(subscription.keys));
      return { push: { subscription }, identity, screen: () => display.screen(subscription.endpoint) };
    },
    suffer: (...faults) => service.fail(...faults.map((fault) => faultOf(fault, elsewhere.url))),
    requests: () => service.requests() + elsewhere.requests(),
    violations: () => [...service.violations, ...display.violations],
    secrets: () => secrets,
    async close() {
      await Promise.all([service.dispose(), elsewhere.dispose()]);
    },
  };
}

async function openWebhook(over: (fetch: Fetch) => Fetch = (one) => one): Promise<Subject> {
  const display = createDisplay();
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const [host, elsewhere] = await Promise.all([
    // A host that shows each notice, each id once.
    startFakeWebhook(secret, {
      now,
      once({ type, data: told }) {
        const { token, conversation, tag, title, body, data, seq, unread, badge } = told as Record<string, string> & {
          data: Record<string, string>;
        } & Record<"seq" | "unread" | "badge", number>;
        const device = token ?? "";
        if (type === "message.cleared") return display.clear(device, { tag: tag ?? "", seq, badge });
        const own = { conversation: conversation ?? "", tag: tag ?? "", kind: "message" };
        const numbers = { seq: String(seq), unread: String(unread), badge: String(badge) };
        display.show(device, {
          tag: tag ?? "",
          seq,
          badge,
          title: title ?? "",
          body: body ?? "",
          data: { ...data, ...own, ...numbers },
        });
      },
    }),
    serveFake(() => ({ status: 201 })),
  ]);
  return {
    provider: webhook({ url: host.url, secret, fetch: over(systemFetch) }),
    device(name): SubjectDevice {
      const token = `token-of-${name}`;
      return { push: { token }, identity, screen: () => display.screen(token) };
    },
    suffer: (...faults) => host.fail(...faults.map((fault) => faultOf(fault, elsewhere.url))),
    requests: () => host.requests() + elsewhere.requests(),
    violations: () => [...host.violations, ...display.violations],
    secrets: () => [secret, secret.slice("whsec_".length), host.url],
    async close() {
      await Promise.all([host.dispose(), elsewhere.dispose()]);
    },
  };
}

const subjects = [
  { name: "Web Push", open: openWebPush, traits: { isRepeatSilent: true, bytesMax: 3_993 } },
  { name: "the webhook", open: openWebhook, traits: { isRepeatSilent: true, bytesMax: null, tellsDead: false } },
] as const;

for (const { name, open, traits } of subjects) {
  describeProvider(name, open, traits);

  describe(`the contract's controls over ${name}`, () => {
    const weak = (weaken: (provider: PushProvider) => Partial<PushProvider>) => weakened(() => open(), weaken);

    test("control: U13 one that follows redirects is noticed", async () => {
      const careless =
        (over: Fetch): Fetch =>
        (url, init) =>
          over(url, { ...init, redirect: "follow" });
      const failed = await checksFailedBy(() => open(careless), traits);
      expect(failed).toContain("a redirect is not followed, and fails finally");
    });

    test("control: U13 one with a tag for each notice is noticed", async () => {
      const tag = () => crypto.randomUUID().replaceAll("-", "");
      const failed = await checksFailedBy(
        weak(({ send }) => ({ send: (notice, context) => send({ ...notice, tag: tag() }, context) })),
        traits,
      );
      expect(failed.length).toBeGreaterThan(2);
    });

    test("control: U13 one that gives up when the service is busy is noticed", async () => {
      const failed = await checksFailedBy(
        weak(({ send }) => ({
          async send(notice, context) {
            const result = await send(notice, context);
            return result.type === "retry" ? { type: "failed", answer: result.answer } : result;
          },
        })),
        traits,
      );
      expect(failed).toContain("Retry-After is honoured, in seconds and as a date");
    });

    test("control: U13 one that repeats errors unchanged is noticed", async () => {
      const failed = await checksFailedBy(
        weak(({ send }) => ({
          async send(notice, context) {
            const result = await send(notice, context);
            return { ...result, answer: `${result.answer} ${notice.token}` };
          },
        })),
        traits,
      );
      expect(failed).toContain("an answer is one short line without tokens and keys");
    });
  });
}
