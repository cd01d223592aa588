import { ChatError } from "../../error.ts";
import { isSafeUrl } from "../../internal/safe-url.ts";
import type { PushNotice, PushProvider, PushResult } from "../provider.ts";
import { type Fetch, systemFetch } from "./fetch.ts";
import { retry, retryAfterMs } from "./retry-after.ts";
import { wellFormedJson } from "./well-formed-json.ts";

export type WebhookOptions = {
  /** The address of your server: https, or http on this machine. */
  readonly url: string;
  /**
   * The key of the signature: `whsec_` and 24–64 bytes in base64, as in Standard Webhooks; or another text of at least 24 characters, as UTF-8.
   * Each of several, with blanks between them, makes a signature: so one can replace another while both are valid.
   */
  readonly secret: string;
  /** Default: the runtime's `fetch`. */
  readonly fetch?: Fetch;
};

const secretBytesMin = 24;
const secretBytesMax = 64;
const tokenForm = /^[!-~]{1,4096}$/;

/**
 * Posts each notice to your own server: see docs/webhook.md. Signed by Standard Webhooks 1.0.0. Notices for users without an address are posted too,
 * once for all of their devices.
 *
 * @throws ChatError `config_invalid` on an invalid URL or secret.
 *
 * @example
 * createChat({ ...options, push: [webhook({ url: "https://shop.example/push", secret: "whsec_…" })] });
 */
export function webhook(options: WebhookOptions): PushProvider {
  const url = urlOf(options.url);
  const keys = Promise.all(secretsOf(options.secret).map(importSecret));
  // `send` rejects with it.
  keys.catch(() => {});
  const { fetch = systemFetch } = options;
  return {
    name: "webhook",
    reach: "user",
    expects: "nothing, or a token of 1 to 4096 printable ASCII characters without blanks",
    parse({ token, ...rest }) {
      if (Object.keys(rest).length > 0) return null;
      if (token === undefined) return { token: "" };
      return typeof token === "string" && tokenForm.test(token) ? { token } : null;
    },

    async send(notice, { now, signal }) {
      const body = bodyOf(notice, now());
      const timestamp = String(Math.floor(now() / 1000));
      const signed = new TextEncoder().encode(`${notice.key}.${timestamp}.${body}`);
      const signatures = (await keys).map((key) => sign(key, signed));
      const headers = {
        "Content-Type": "application/json",
        "Webhook-Id": notice.key,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": (await Promise.all(signatures)).join(" "),
      };
      const init: RequestInit = { method: "POST", headers, body, redirect: "manual", signal };
      // The errors of runtimes contain the address, and it may contain a secret.
      const response = await fetch(url, init).catch(() => null);
      if (response === null) return { type: "retry", answer: "no answer" };
      await response.body?.cancel().catch(() => {});
      return resultOf(response, now());
    },
  };
}

/** The body of the request. `type` is the event, `timestamp` the time of this request. */
function bodyOf(
  { kind, tenant, user, device, token, key: _, ttlMs, options, ...told }: PushNotice,
  now: number,
): string {
  const isAny = Object.keys(options).length > 0;
  return wellFormedJson({
    type: kind === "clear" ? "message.cleared" : "message.unread",
    timestamp: new Date(now).toISOString(),
    data: {
      tenant,
      user,
      ...(device !== "" && { device }),
      ...(token !== "" && { token }),
      ...told,
      ttlMs,
      ...(isAny && { options }),
    },
  });
}

function resultOf({ ok, status, headers }: Response, now: number): PushResult {
  const answer = `HTTP ${status}`;
  if (ok) return { type: "sent", answer };
  if (status === 413) return { type: "unfit", answer };
  if (status !== 408 && status !== 429 && status < 500) return { type: "failed", answer };
  return retry(answer, retryAfterMs(headers, now));
}

function urlOf(text: string): string {
  if (isSafeUrl(text)) return new URL(text).href;
  throw new ChatError(
    "config_invalid",
    "The webhook's address must be an https URL, or http on this machine, without a user's name",
  );
}

function secretsOf(text: string): readonly Uint8Array<ArrayBuffer>[] {
  // A host in JavaScript may pass a variable that is not set.
  const secrets = typeof text === "string" ? text.split(/\s+/).filter(Boolean).map(secretOf) : [];
  if (secrets.length > 0) return secrets;
  throw new ChatError("config_invalid", "The webhook needs a secret");
}

function secretOf(text: string): Uint8Array<ArrayBuffer> {
  const isMarked = text.startsWith("whsec_");
  const bytes = isMarked ? decode(text.slice("whsec_".length)) : new TextEncoder().encode(text);
  if (bytes !== null && bytes.length >= secretBytesMin && (!isMarked || bytes.length <= secretBytesMax)) return bytes;
  throw new ChatError(
    "config_invalid",
    `A webhook's secret is whsec_ and ${secretBytesMin} to ${secretBytesMax} bytes in base64, or other text of ${secretBytesMin} characters or more`,
  );
}

function decode(base64: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return null;
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

const algorithm = { name: "HMAC", hash: "SHA-256" };

const importSecret = (secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);

async function sign(key: CryptoKey, text: Uint8Array<ArrayBuffer>): Promise<string> {
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, text));
  return `v1,${btoa(String.fromCharCode(...signature))}`;
}
