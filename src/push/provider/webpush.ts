import { ChatError } from "../../error.ts";
import type { PushNotice, PushProvider, PushResult } from "../provider.ts";
import { encrypt, plaintextBytesMax } from "./encrypt.ts";
import { type Fetch, systemFetch } from "./fetch.ts";
import { isPublicAddress } from "./public-address.ts";
import { createRefusals } from "./refusals.ts";
import { resolveHost } from "./resolve-host.ts";
import { retry, retryAfterMs } from "./retry-after.ts";
import { listServices, parseSubscription, pushServices, readSubscription } from "./subscription.ts";
import { createVapid, type VapidOptions } from "./vapid.ts";
import { wellFormedJson } from "./well-formed-json.ts";

export { pushServices } from "./subscription.ts";
export { generateVapidKeys, type VapidKeys } from "./vapid-keys.ts";

export type WebPushOptions = VapidOptions & {
  /**
   * The hosts of allowed subscriptions, in place of `pushServices`; `*.push.example` is each host below `push.example`. Only
   * domains in which strangers cannot register a name: a client chooses the host to which the server connects.
   */
  readonly services?: readonly string[];
  /** Default: the runtime's `fetch`. */
  readonly fetch?: Fetch;
  /** Returns all addresses of a host. Default: as the system resolves it. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
};

/** Windows throttles by the minute. */
const throttledMs = 60_000;
/** A push service may refuse a longer lifetime; FCM does (28 days). */
const ttlSecondsMax = 2_419_200;

/**
 * Web Push: RFC 8030, encrypted by RFC 8291, signed by RFC 8292. A client registers the result of `PushSubscription.toJSON()`; see
 * docs/web-push.md, also for the service worker that shows the notifications.
 *
 * Endpoints are URLs that strangers supply: only https on port 443, only hosts of known push services, no address of a private network at
 * the moment of sending, no redirects, and only the status of an answer is used.
 *
 * @throws ChatError `config_invalid` on invalid keys, subject or services.
 *
 * @example
 * const vapid = { publicKey: process.env.VAPID_PUBLIC_KEY ?? "", privateKey: process.env.VAPID_PRIVATE_KEY ?? "" };
 * createChat({ ...options, push: [webPush({ ...vapid, subject: "mailto:ops@shop.example" })] });
 */
export function webPush(options: WebPushOptions): PushProvider {
  const vapid = createVapid(options);
  const isService = listServices(options.services ?? pushServices);
  const refusals = createRefusals();
  const { fetch = systemFetch, resolve = resolveHost } = options;
  return {
    name: "webpush",
    expects: "subscription: what PushSubscription.toJSON() gives, of a push service that is known here",
    public: { publicKey: options.publicKey.replace(/=+$/, "") },
    parse: (push) => parseSubscription(subscriptionOf(push), isService),

    fits: (notice) => textOf(notice).length <= plaintextBytesMax,

    async send(notice, { now, signal }) {
      const subscription = readSubscription(notice.token);
      if (subscription === null) return dead("no subscription");
      const { endpoint, keys } = subscription;
      if (!isService(endpoint.hostname)) return failed("not a known push service");
      if (notice.kind === "clear" && isApple(endpoint.hostname)) return failed("Safari does not allow silent pushes");

      const text = textOf(notice);
      if (text.length > plaintextBytesMax)
        return unfit(`too large: ${text.length} bytes, at most ${plaintextBytesMax}`);
      const body = await encrypt(text, keys);
      if (body === null) return dead("the subscription's key is not on the curve");
      const authorization = await vapid(endpoint.origin, now()).catch(refusal);
      if (typeof authorization !== "string") return authorization;

      // Checked immediately before the request: the addresses of a name may change.
      const addresses = await resolve(endpoint.hostname).catch(() => []);
      if (addresses.length === 0) return { type: "retry", answer: "the push service's name is not resolved" };
      if (!addresses.every(isPublicAddress)) return failed("the push service's name leads into a private network");
      const headers = {
        Authorization: authorization,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        TTL: String(Math.min(Math.max(Math.floor(notice.ttlMs / 1000), 0), ttlSecondsMax)),
        Topic: notice.tag,
        Urgency: notice.kind === "clear" ? "low" : "high",
      };
      const init: RequestInit = { method: "POST", headers, body, redirect: "manual", signal };
      // The errors of runtimes contain the address, which is a secret.
      const response = await fetch(endpoint.href, init).catch(() => null);
      if (response === null) return { type: "retry", answer: "no answer" };
      // The body is not used, and may be an attacker's. If it is not cancelled, it holds the connection.
      await response.body?.cancel().catch(() => {});
      const result = resultOf(response, now());
      if (result.type === "sent") await refusals.taken(endpoint.origin, endpoint.href);
      // 403 means a subscription of another key (RFC 8292 section 4.2), 401 an invalid signature.
      const isRefused = response.status === 403 && (await refusals.refused(endpoint.origin, endpoint.href, now()));
      return isRefused ? dead(result.answer) : result;
    },
  };
}

const subscriptionNames = ["endpoint", "expirationTime", "keys"];

/** The subscription is in the field of this name, or it is the whole. Fields that browsers may add to it later are not refused. */
function subscriptionOf({ subscription, ...rest }: Readonly<Record<string, unknown>>): unknown {
  const names = Object.keys(rest);
  if (subscription !== undefined) return names.length === 0 ? subscription : null;
  return names.every((name) => subscriptionNames.includes(name)) ? rest : null;
}

/** The payload for the service worker. */
function textOf(notice: PushNotice): Uint8Array<ArrayBuffer> {
  const { kind, conversation, seq, unread, badge, tag, title, body, data, options } = notice;
  const isAny = Object.keys(options).length > 0;
  return new TextEncoder().encode(
    wellFormedJson({ kind, conversation, seq, unread, badge, tag, title, body, data, ...(isAny && { options }) }),
  );
}

/** Windows accepts a push, and says in this header what it did with it, in one of three words. */
const wnsStatus = (headers: Headers): string =>
  (headers.get("x-wns-status") ?? headers.get("x-wns-notificationstatus") ?? "").trim().toLowerCase();

/** The statuses of RFC 8030, and those that push services add. */
function resultOf({ ok, status, headers }: Response, now: number): PushResult {
  const answer = `HTTP ${status}`;
  if (ok) {
    switch (wnsStatus(headers)) {
      case "channelthrottled":
        return { type: "retry", answer: `${answer}: throttled`, afterMs: retryAfterMs(headers, now) ?? throttledMs };
      case "dropped":
        return failed(`${answer}: dropped by the push service`);
      default:
        return { type: "sent", answer };
    }
  }
  if (status === 404 || status === 410) return dead(answer);
  if (status === 401 || status === 403) return failed(`${answer}: VAPID refused`);
  // Windows throttles with 406.
  if (status === 429 || status === 406 || status === 408 || status >= 500)
    return retry(answer, retryAfterMs(headers, now));
  if (status === 413) return unfit(answer);
  return failed(answer);
}

/** Keys that are no pair fail at each try. */
function refusal(error: unknown): PushResult {
  if (error instanceof ChatError) return failed(error.message);
  throw error;
}

/** Safari revokes the permission after a few pushes without a notification. */
const isApple = (host: string): boolean => host === "push.apple.com" || host.endsWith(".push.apple.com");

const dead = (answer: string): PushResult => ({ type: "dead", answer });
const unfit = (answer: string): PushResult => ({ type: "unfit", answer });
const failed = (answer: string): PushResult => ({ type: "failed", answer });
