import type { Fetch } from "../../../src/push/provider/fetch.ts";
import { createReceiver, faultOfVapid, openEnvelope, type Receiver } from "./push-envelope.ts";
import type { Display } from "./display.ts";
import type { Asked } from "./endpoint.ts";
import { type Fault, serveFake } from "./http.ts";

/** The registration of a page: `PushSubscription.toJSON()`. */
export type SubscriptionJson = {
  readonly endpoint: string;
  readonly expirationTime: number | null;
  readonly keys: { readonly p256dh: string; readonly auth: string };
};

/** A push that reached a browser, decrypted. */
export type Delivered = {
  readonly endpoint: string;
  readonly push: Readonly<Record<string, unknown>>;
  readonly ttl: number;
  readonly urgency: string;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly authorization: string;
};

export type FakePushService = {
  /** For webPush: sends each https request to the fake, otherwise as the runtime does. */
  readonly fetch: Fetch;
  readonly subscribe: (publicKey: string, options?: { host?: string }) => SubscriptionJson;
  /** The browser is offline: the newest push of each topic is kept. */
  readonly leave: (endpoint: string) => void;
  readonly come: (endpoint: string) => void;
  /** The user has revoked the permission. */
  readonly unsubscribe: (endpoint: string) => void;
  readonly delivered: readonly Delivered[];
  /** The rules that requests have broken. */
  readonly violations: readonly string[];
  readonly connections: () => number;
  readonly requests: () => number;
  readonly fail: (...faults: readonly Fault[]) => void;
  readonly dispose: () => Promise<void>;
};

type Browser = { readonly receiver: Receiver; readonly publicKey: string; isAway: boolean; kept: Delivered[] };

const urgencies = ["very-low", "low", "normal", "high"];
const bodyBytesMax = 4_096;
const ttlSecondsMax = 2_419_200;
const targetHeader = "x-fake-target";

/** A strict push service (RFC 8030). `deliver` is the browser's handler of a push; `now` its clock. */
export async function startFakePushService(
  options: { readonly deliver?: (delivered: Delivered) => void; readonly now?: () => number } = {},
): Promise<FakePushService> {
  const { deliver = () => {}, now = Date.now } = options;
  const browsers = new Map<string, Browser>();
  const gone = new Set<string>();
  const delivered: Delivered[] = [];
  const violations: string[] = [];

  const hand = (one: Delivered): void => {
    delivered.push(one);
    deliver(one);
  };
  const refuse = (why: string, status = 400) => {
    violations.push(why);
    return { status, body: `{"reason":"${why}"}` };
  };

  const server = await serveFake((asked) => {
    const endpoint = asked.headers.get(targetHeader) ?? "";
    if (gone.has(endpoint)) return { status: 410 };
    const browser = browsers.get(endpoint);
    if (browser === undefined) return { status: 404 };
    const origin = new URL(endpoint).origin;
    const authorization = asked.headers.get("authorization") ?? "";
    const denial = faultOfVapid(authorization, { origin, publicKey: browser.publicKey, nowMs: now() });
    if (denial !== null) return refuse(denial, 403);
    const fault = faultOf(asked);
    if (fault !== null) return refuse(fault);
    let push: unknown;
    try {
      push = JSON.parse(openEnvelope(asked.bytes, browser.receiver));
    } catch (error) {
      return refuse(`the body cannot be read: ${error instanceof Error ? error.message : ""}`);
    }
    const topic = asked.headers.get("topic") ?? "";
    const one = {
      endpoint,
      push: push as Delivered["push"],
      ttl: Number(asked.headers.get("ttl")),
      topic,
      urgency: asked.headers.get("urgency") ?? "normal",
      bodyBytes: asked.bytes.length,
      authorization,
    };
    if (!browser.isAway) hand(one);
    else if (one.ttl > 0)
      browser.kept = [...browser.kept.filter((other) => topic === "" || other.topic !== topic), one];
    return { status: 201 };
  });

  return {
    fetch(url, init) {
      const target = new URL(url);
      if (target.protocol !== "https:") violations.push(`asked for ${target.protocol}`);
      if (init.redirect !== "manual") violations.push("redirects would be followed");
      const headers = { ...(init.headers as Record<string, string>), [targetHeader]: url };
      return fetch(`${server.url}${target.pathname}${target.search}`, { ...init, headers });
    },
    subscribe(publicKey, { host = "fcm.googleapis.com" } = {}) {
      const receiver = createReceiver();
      const endpoint = `https://${host}/fcm/send/${crypto.randomUUID()}`;
      browsers.set(endpoint, { receiver, publicKey, isAway: false, kept: [] });
      const p256dh = receiver.ecdh.getPublicKey("base64url");
      return { endpoint, expirationTime: null, keys: { p256dh, auth: receiver.auth.toString("base64url") } };
    },
    leave(endpoint) {
      const browser = browsers.get(endpoint);
      if (browser) browser.isAway = true;
    },
    come(endpoint) {
      const browser = browsers.get(endpoint);
      if (!browser) return;
      browser.isAway = false;
      for (const one of browser.kept.splice(0)) hand(one);
    },
    unsubscribe: (endpoint) => void gone.add(endpoint),
    delivered,
    violations,
    connections: server.connections,
    requests: server.requests,
    fail: server.fail,
    dispose: server.dispose,
  };
}

/** The broken rules of RFC 8030, or of push services beyond it. */
function faultOf({ method, headers, bytes }: Asked): string | null {
  const ttl = headers.get("ttl") ?? "";
  const topic = headers.get("topic");
  const urgency = headers.get("urgency");
  if (method !== "POST") return `the method is ${method}`;
  if (headers.get("content-encoding") !== "aes128gcm") return "Content-Encoding is not aes128gcm";
  for (const old of ["crypto-key", "encryption"]) if (headers.has(old)) return `${old} is of the old aesgcm`;
  if (!/^\d{1,7}$/.test(ttl) || Number(ttl) > ttlSecondsMax) return `TTL is ${ttl}`;
  if (urgency !== null && !urgencies.includes(urgency)) return `Urgency is ${urgency}`;
  if (topic !== null && !/^[\w-]{1,32}$/.test(topic)) return `Topic is ${topic}`;
  return bytes.length > bodyBytesMax ? `the body has ${bytes.length} bytes` : null;
}

type Push = {
  readonly kind: string;
  readonly conversation: string;
  readonly seq: number;
  readonly unread: number;
  readonly badge: number;
  readonly tag: string;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
};

/** Shows pushes as src/web/push-worker.js does; test/push/service-worker.test.ts tests the worker itself. */
export function showOn(display: Display): (delivered: Delivered) => void {
  return ({ endpoint, push }) => {
    const { kind, conversation, seq, unread, badge, tag, title, body, data } = push as Push;
    const before = display.screen(endpoint).notifications.get(tag);
    if (kind === "clear") {
      if (before === undefined || before.seq <= seq) display.clear(endpoint, { tag, seq, badge });
      return;
    }
    // An older push after a newer one, and a repeat, do not alert.
    if (before !== undefined && before.seq >= seq) return;
    const told = { conversation, tag, kind, seq: String(seq), unread: String(unread), badge: String(badge) };
    display.show(endpoint, { tag, seq, title, body, badge, data: { ...data, ...told } });
  };
}
