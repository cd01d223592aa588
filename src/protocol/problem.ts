import { errorCodes, type ErrorCode } from "../error.ts";

/** The default `Retry-After`, in seconds. */
const retryAfterSeconds = 5;

/**
 * An error answer as `application/problem+json` (RFC 9457): `{type, title, status, detail, code}`.
 *
 * `title` is the same for every answer of a code, `detail` is about this one. Programs switch on `code`. Answers 429 and 503
 * carry `Retry-After` (in seconds), 401 the challenge that RFC 9110 section 15.5.2 demands; `headers` overrides both.
 *
 * @param code Any code of the error table; it decides the status.
 * @param detail The fault, for human readers. Never a value that the client sent, never a secret.
 *
 * @example
 * problem("bad_request", "The parameter device is malformed")
 * problem("unavailable", "The server is shutting down", { headers: { "Retry-After": "2" } })
 */
export function problem(
  code: ErrorCode,
  detail: string,
  options: { readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const { status, meaning: title } = errorCodes[code];
  const headers = new Headers({
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  if (status === 429 || status === 503) headers.set("Retry-After", String(retryAfterSeconds));
  if (status === 401) headers.set("WWW-Authenticate", "Bearer");
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  return new Response(JSON.stringify({ type: `urn:tidings:error:${code}`, title, status, detail, code }), {
    status,
    headers,
  });
}

/** The refusal while the database cannot be used, which may be over within a second. */
export const unavailableNow = (detail: string): Response =>
  problem("unavailable", detail, { headers: { "Retry-After": "1" } });

/** The refusal of a client over its rate, with the milliseconds to wait. */
export const tooOften = (ms: number): Response =>
  problem("rate_limited", "Too much in too short a time", {
    headers: { "Retry-After": String(Math.max(1, Math.ceil(ms / 1_000))) },
  });
