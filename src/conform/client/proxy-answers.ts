import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Field } from "../wire/passed-headers.ts";

/** An answer that the proxy gives in place of the server. */
export type Refusal = { readonly status: number; readonly code: string; readonly retryAfterSeconds?: number };

/** Headers of a request that prove or name a user, or that a server judges. */
const proofHeaders = ["authorization", "cookie", "tidings-user", "origin", "sec-websocket-protocol"] as const;

export async function readAll(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

export function proofOf({ headers }: IncomingMessage, authorization: string | null): Record<string, string> {
  if (authorization !== null) return { authorization };
  const found: Record<string, string> = {};
  for (const name of proofHeaders) {
    const value = headers[name];
    // Its origin is the proxy's own: the server would refuse it.
    if (typeof value === "string" && name !== "origin") found[name] = value;
  }
  return found;
}

export const headersOf = ({ retryAfterSeconds }: Refusal): Record<string, string> => ({
  "content-type": "application/problem+json",
  ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
});

export const bodyOf = ({ status, code }: Refusal): string =>
  JSON.stringify({ type: "about:blank", title: code, status, detail: "refused by the conformance kit", code });

export const linesOf = (fields: readonly Field[]): readonly string[] =>
  fields.map(([name, value]) => `${name}: ${value}`);

export function refuse(stream: Duplex, refusal: Refusal): void {
  const headers = linesOf(Object.entries(headersOf(refusal)));
  end(stream, { status: refusal.status, headers, body: bodyOf(refusal) });
}

type Ending = { readonly status: number; readonly headers: readonly string[]; readonly body: string };

export function end(stream: Duplex, { status, headers, body }: Ending): void {
  const length = `content-length: ${Buffer.byteLength(body)}`;
  stream.end([`HTTP/1.1 ${status} Refused`, ...headers, length, "connection: close", "", body].join("\r\n"));
}
