import { Webhook } from "standardwebhooks";
import { type Fault, serveFake } from "./http.ts";

export type Posted = {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** As many as there are secrets. */
  readonly signatures: readonly string[];
};

export type FakeWebhook = {
  readonly url: string;
  /** All requests, with repeats. */
  readonly posted: readonly Posted[];
  readonly violations: readonly string[];
  readonly connections: () => number;
  readonly requests: () => number;
  readonly fail: (...faults: readonly Fault[]) => void;
  readonly dispose: () => Promise<void>;
};

const types = ["message.unread", "message.cleared"];
const toleranceSeconds = 300;

/** A host's own server with one secret; `once` is called once for each id, as Standard Webhooks demands. */
export async function startFakeWebhook(
  secret: string,
  options: { readonly once?: (posted: Posted) => void; readonly now?: () => number } = {},
): Promise<FakeWebhook> {
  const { once = () => {}, now = Date.now } = options;
  const signer = secret.startsWith("whsec_") ? new Webhook(secret) : new Webhook(secret, { format: "raw" });
  const seen = new Set<string>();
  const posted: Posted[] = [];
  const violations: string[] = [];
  const server = await serveFake(({ method, path, headers, body }) => {
    const refuse = (why: string) => {
      violations.push(why);
      return { status: 400, body: why };
    };
    if (method !== "POST" || path !== "/push") return refuse(`${method} ${path}`);
    if (headers.get("content-type") !== "application/json") return refuse("the body is not said to be JSON");
    const id = String(headers.get("webhook-id"));
    const seconds = String(headers.get("webhook-timestamp"));
    if (!/^[\w-]{1,64}$/.test(id)) return refuse(`the id is ${id}`);
    if (!/^\d{1,12}$/.test(seconds) || Math.abs(Number(seconds) - now() / 1000) > toleranceSeconds)
      return refuse(`the timestamp is ${seconds}`);
    const signatures = String(headers.get("webhook-signature")).split(" ");
    if (!signatures.includes(signer.sign(id, new Date(Number(seconds) * 1000), body)))
      return refuse("no signature fits");
    const { type, timestamp, data } = JSON.parse(body) as Posted;
    if (!types.includes(type)) return refuse(`the type is ${type}`);
    if (new Date(timestamp).toISOString() !== timestamp) return refuse(`the body's timestamp is ${timestamp}`);
    if (typeof data !== "object" || data === null) return refuse("there is no data");
    const one = { id, type, timestamp, data, signatures };
    posted.push(one);
    if (!seen.has(id)) once(one);
    seen.add(id);
    return { status: 204 };
  });
  return { ...server, url: `${server.url}/push`, posted, violations };
}
