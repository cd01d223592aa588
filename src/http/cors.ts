/** How long a browser may remember a preflight, in seconds: as long as Chromium does at most. */
const maxAgeSeconds = 7_200;

/**
 * Lets a page of an allowed origin read an answer (Fetch standard, CORS protocol). The origin is always named, never `*`, for answers are
 * made with the page's credentials. `allowed`: the request's `Origin`, if it is an allowed one; else null.
 */
export function withCors(response: Response, allowed: string | null): Response {
  const headers = new Headers(response.headers);
  headers.append("Vary", "Origin");
  if (allowed !== null) {
    headers.set("Access-Control-Allow-Origin", allowed);
    headers.set("Access-Control-Allow-Credentials", "true");
    headers.set("Access-Control-Expose-Headers", "Retry-After");
  }
  return new Response(response.body, { status: response.status, headers });
}

/** Whether a browser asks if a page may send a request (a preflight). */
export const isPreflight = ({ method, headers }: Pick<Request, "method" | "headers">): boolean =>
  method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");

/** The answer to a preflight of an allowed origin. */
export const preflight = (methods: readonly string[]): Response =>
  new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": methods.join(", "),
      "Access-Control-Allow-Headers": "Authorization, Content-Type",
      "Access-Control-Max-Age": String(maxAgeSeconds),
      "Cache-Control": "no-store",
    },
  });
