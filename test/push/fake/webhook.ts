import { Webhook } from "standardwebhooks";
import { type Fault, serveFake } from "./http.ts";

export type Posted = {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly signatures: readonly string[];
};

export type FakeWebhook = {
  readonly url: string;
  readonly posted: readonly Posted[];
  readonly violations: readonly string[];
  readonly connections: () => number;
  readonly fail: (...faults: readonly Fault[]) => void;
  readonly dispose: () => Promise<void>;
};

const types = ["message.unread", "message.cleared"];

/** A host's own server: it takes nothing that Standard Webhooks' own reader of the secret does not. */
export async function startFakeWebhook(secret: string): Promise<FakeWebhook> {
  const reader = secret.startsWith("whsec_") ? new Webhook(secret) : new Webhook(secret, { format: "raw" });
  const posted: Posted[] = [];
  const violations: string[] = [];
  const server = await serveFake(({ method, path, headers, body }) => {
    const refuse = (why: string) => {
      violations.push(why);
      return { status: 400, body: why };
    };
    if (method !== "POST" || path !== "/push") return refuse(`${method} ${path}`);
    if (headers["content-type"] !== "application/json") return refuse("the body is not said to be JSON");
    const id = String(headers["webhook-id"]);
    if (!/^[\w-]{1,64}$/.test(id)) return refuse(`the id is ${id}`);
    try {
      const { type, timestamp, data } = reader.verify(body.toString(), headers as Record<string, string>) as Posted;
      if (!types.includes(type)) return refuse(`the type is ${type}`);
      if (new Date(timestamp).toISOString() !== timestamp) return refuse(`the timestamp is ${timestamp}`);
      if (typeof data !== "object" || data === null) return refuse("there is no data");
      posted.push({ id, type, timestamp, data, signatures: String(headers["webhook-signature"]).split(" ") });
      return { status: 204 };
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
  });
  return { ...server, url: `${server.url}/push`, posted, violations };
}
