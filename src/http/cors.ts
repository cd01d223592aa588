import { ChatError } from "../error.ts";
import { shownValue } from "../internal/shown-value.ts";
import { historyHeader } from "../protocol/history-header.ts";
import { userHeader } from "../protocol/user-header.ts";

/** Headers that a page may always send: its proof of identity, that a body is JSON, and whose request it is. */
const ownHeaders = ["Authorization", "Content-Type", userHeader];
/** No page sends more. */
const headersMax = 50;
const nameForm = /^[A-Za-z0-9!#$%&'+.^_`|~-]{1,100}$/;

/** How long a browser may remember a preflight, in seconds: as long as Chromium does at most. */
const maxAgeSeconds = 7_200;

/**
 * Checks the names of further headers that pages of allowed origins may send, such as `sentry-trace`.
 *
 * @throws ChatError `config_invalid`: a wildcard, or no header's name.
 */
export function parseCorsHeaders(names: readonly string[]): readonly string[] {
  const at = names.findIndex((name: unknown) => typeof name !== "string" || !nameForm.test(name));
  if (at !== -1)
    throw new ChatError("config_invalid", `corsHeaders are names of headers, got ${shownValue(names[at])}`);
  if (names.length > headersMax) throw new ChatError("config_invalid", `corsHeaders are at most ${headersMax}`);
  return names;
}

/**
 * Lets a page of an allowed origin read an answer (Fetch standard, CORS protocol). The origin is always named, never `*`, for answers are
 * made with the page's credentials. `allowed`: the request's `Origin`, if it is an allowed one; else null.
 */
export function withCors(response: Response, allowed: string | null): Response {
  const headers = new Headers(response.headers);
  headers.append("Vary", "Origin");
  if (allowed !== null) {
    headers.set("Access-Control-Allow-Origin", allowed);
    // `null` is the origin of any sandboxed page and any local file: these may prove their user by a token, never by a cookie.
    if (allowed !== "null") headers.set("Access-Control-Allow-Credentials", "true");
    headers.set("Access-Control-Expose-Headers", `Retry-After, ${userHeader}, ${historyHeader}`);
  }
  return new Response(response.body, { status: response.status, headers });
}

/** Whether a browser asks if a page may send a request (a preflight). */
export const isPreflight = ({ method, headers }: Pick<Request, "method" | "headers">): boolean =>
  method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");

/** The answer to a preflight of an allowed origin; `more`: headers that it may send beside the usual ones. */
export const preflight = (methods: readonly string[], more: readonly string[] = []): Response =>
  new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": methods.join(", "),
      "Access-Control-Allow-Headers": [...ownHeaders, ...more].join(", "),
      "Access-Control-Max-Age": String(maxAgeSeconds),
      "Cache-Control": "no-store",
    },
  });
