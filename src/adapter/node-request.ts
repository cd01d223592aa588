import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Admission } from "../access/admission.ts";

/** A host without anything that would change the meaning of the address around it. */
const hostForm = /^[a-z0-9._~:[\]-]+$/i;

/** The upgrade request of `node:http` as a `Request`; null where it is malformed. */
export function upgradeRequest(incoming: IncomingMessage): Request | null {
  const headers = new Headers();
  const { rawHeaders, url = "/", method = "GET" } = incoming;
  try {
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
    // HTTP/1.0 needs no Host: an invalid one then, and not this machine's.
    const host = headers.get("host") ?? "host.invalid";
    if (!hostForm.test(host)) return null;
    const scheme = "encrypted" in incoming.socket ? "https" : "http";
    // The request line may have a whole URL; its host does not count, the Host header does.
    const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
    return new Request(`${scheme}://${host}${path.startsWith("/") ? "" : "/"}${path}`, { method, headers });
  } catch {
    return null;
  }
}

/** Fields that middleware adds: the body as `express.json()` and the like have parsed it, and the bytes that `@hono/node-server` takes in its place. */
type Parsed = Pick<IncomingMessage, "readableDidRead"> & { readonly body?: unknown; rawBody?: unknown };

/** Makes the bytes of a body that middleware has read: of the text that it kept (`rawBody`), else of the parsed body. */
export function keepParsedBody(incoming: Parsed): void {
  const { body, rawBody } = incoming;
  if (!incoming.readableDidRead || Buffer.isBuffer(rawBody)) return;
  const bytes = bytesOf(typeof rawBody === "string" ? rawBody : body);
  if (bytes !== null) incoming.rawBody = bytes;
}

/** Null: there is none, or it cannot be JSON. */
function bytesOf(body: unknown): Buffer | null {
  if (Buffer.isBuffer(body)) return body;
  try {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return typeof text === "string" ? Buffer.from(text) : null;
  } catch {
    return null;
  }
}

/** Whether middleware has read the body and kept no copy. */
export const isBodyLost = (incoming: Parsed): boolean => incoming.readableDidRead && !Buffer.isBuffer(incoming.rawBody);

/** The same request with `bodyUsed`: its handler can see that the body was read, in place of an empty one. */
export async function readBefore({ url, method, headers }: Request): Promise<Request> {
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  const request = new Request(url, { method, headers, body: "read before" });
  await request.text();
  return request;
}

/** Answers on the bare stream of an upgrade that is refused, and ends it. */
export async function answerOn(stream: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  if (!stream.writable) return void stream.destroy();
  const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ""}`];
  for (const [name, value] of response.headers)
    if (!["connection", "content-length", "transfer-encoding"].includes(name)) lines.push(`${name}: ${value}`);
  lines.push(`content-length: ${body.length}`, "connection: close", "\r\n");
  stream.once("finish", () => stream.destroy());
  stream.end(Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), body]));
}

/** Leaves only the selected subprotocol, or none, in the request: ws would select the first that the client offers. */
export function offerOnly(incoming: Pick<IncomingMessage, "headers">, { headers }: Admission): void {
  const selected = headers["Sec-WebSocket-Protocol"];
  if (selected) incoming.headers["sec-websocket-protocol"] = selected;
  else delete incoming.headers["sec-websocket-protocol"];
}
