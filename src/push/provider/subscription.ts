import { base64url } from "jose";
import { ChatError } from "../../error.ts";
import type { PushAddress } from "../provider.ts";
import { jsonOf } from "./answer.ts";
import { bytesOf, pointOf } from "./base64url.ts";
import type { PushKeys } from "./encrypt.ts";
import { isOnP256 } from "./p256.ts";

/** The address of a browser's push service, and the keys of the browser. */
export type Subscription = { readonly endpoint: URL; readonly keys: PushKeys };

/** Which hosts are push services. */
export type ServiceList = (host: string) => boolean;

/** The push services of the browsers. `*.` and a name means each host below it. */
export const pushServices: readonly string[] = [
  // Chrome, and most that are built on Chromium: Edge on Android, Opera, Samsung Internet, Brave.
  "fcm.googleapis.com",
  // Chromium without Google's own keys, as distributions build it.
  "jmt17.google.com",
  // Firefox.
  "*.push.services.mozilla.com",
  // Safari.
  "web.push.apple.com",
  "*.push.apple.com",
  // Edge on Windows.
  "*.notify.windows.com",
];

const endpointCharsMax = 2_048;
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
/** A name below a domain; its last part is no number, which would make an IPv4 address of it. */
const serviceName = new RegExp(`^(\\*\\.)?(?:${label}\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`);

/** @throws ChatError `config_invalid` where one is no name of a host. */
export function listServices(services: readonly string[]): ServiceList {
  for (const service of services)
    if (typeof service !== "string" || service.length > 253 || !serviceName.test(service))
      throw new ChatError(
        "config_invalid",
        `A push service is a host such as push.example, or *.push.example, got ${service}`,
      );
  const hosts = new Set(services.filter((service) => !service.startsWith("*.")));
  const domains = services.filter((service) => service.startsWith("*.")).map((service) => service.slice(1));
  return (host) => hosts.has(host) || domains.some((domain) => host.length > domain.length && host.endsWith(domain));
}

/** The result of a browser's `PushSubscription.toJSON()`, as it is stored; null: invalid, or not of a push service. */
export function parseSubscription(value: unknown, isService: ServiceList): PushAddress | null {
  const found = subscriptionIn(value);
  if (found === null || !isService(found.endpoint.hostname) || !isOnP256(found.keys.p256dh)) return null;
  const { endpoint, keys, expirationTime } = found;
  const texts = { p256dh: base64url.encode(keys.p256dh), auth: base64url.encode(keys.auth) };
  const token = JSON.stringify({ endpoint: endpoint.href, keys: texts });
  if (expirationTime === undefined || expirationTime === null) return { token };
  const expiresAt = typeof expirationTime === "number" ? Math.floor(expirationTime) : NaN;
  return Number.isSafeInteger(expiresAt) && expiresAt >= 0 ? { token, expiresAt } : null;
}

/** A subscription that was stored; null: the token is none. */
export const readSubscription = (token: string): Subscription | null => subscriptionIn(jsonOf(token));

function subscriptionIn(value: unknown): (Subscription & { readonly expirationTime: unknown }) | null {
  if (!isObject(value) || !isObject(value["keys"])) return null;
  const endpoint = endpointOf(value["endpoint"]);
  const p256dh = pointOf(value["keys"]["p256dh"]);
  const auth = bytesOf(value["keys"]["auth"], 16);
  return endpoint && p256dh && auth && { endpoint, keys: { p256dh, auth }, expirationTime: value["expirationTime"] };
}

/** An https URL on port 443, without a user's name. The caller checks its host, which must be a name to be listed. */
function endpointOf(value: unknown): URL | null {
  if (typeof value !== "string" || value.length > endpointCharsMax || !/^https:\/\/[!-~]+$/.test(value)) return null;
  if (/[#\\]/.test(value) || !URL.canParse(value)) return null;
  const url = new URL(value);
  const isPlain = url.username === "" && url.password === "" && url.port === "" && !value.split("/")[2]?.includes("@");
  // Escaping may make it longer.
  return isPlain && url.href.length <= endpointCharsMax ? url : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
