import { expect, test } from "bun:test";
import { isPreflight, parseCorsHeaders, preflight, withCors } from "../../src/http/cors.ts";

test("P5 further headers are names of headers, no more than fifty, and no wildcard", () => {
  expect(parseCorsHeaders([])).toEqual([]);
  const fifty = Array.from({ length: 50 }, (_, i) => `x-header-${i}`);
  expect(parseCorsHeaders(fifty)).toEqual(fifty);
  expect(() => parseCorsHeaders([...fifty, "x"])).toThrow("at most 50");
  for (const wrong of ["*", "", "a b", "a:b", "x".repeat(101), 7 as unknown as string])
    expect(() => parseCorsHeaders(["sentry-trace", wrong])).toThrow("corsHeaders are names of headers, got");
});

test("A71 an allowed origin is named in the answer, and may use cookies unless it is `null`", async () => {
  const answer = () => new Response("text", { status: 201, headers: { "X-Own": "1", Vary: "Accept" } });
  const allowed = withCors(answer(), "https://app.example");
  expect([allowed.status, await allowed.text(), allowed.headers.get("x-own"), allowed.headers.get("vary")]).toEqual([
    201,
    "text",
    "1",
    "Accept, Origin",
  ]);
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(allowed.headers.get("access-control-allow-credentials")).toBe("true");
  const sandboxed = withCors(answer(), "null").headers;
  expect([sandboxed.get("access-control-allow-origin"), sandboxed.get("access-control-allow-credentials")]).toEqual([
    "null",
    null,
  ]);
  const refused = withCors(answer(), null).headers;
  expect([refused.get("access-control-allow-origin"), refused.get("vary")]).toEqual([null, "Accept, Origin"]);
});

test("P5 a preflight is an OPTIONS request with both of its headers, and its answer has all methods and headers", () => {
  const asked = { origin: "https://app.example", "access-control-request-method": "PUT" };
  const of = (method: string, headers: Record<string, string>) =>
    isPreflight({ method, headers: new Headers(headers) });
  expect(of("OPTIONS", asked)).toBe(true);
  expect([
    of("GET", asked),
    of("OPTIONS", { origin: "x" }),
    of("OPTIONS", { "access-control-request-method": "PUT" }),
  ]).toEqual([false, false, false]);
  const { status, headers } = preflight(["GET", "PUT"], ["sentry-trace"]);
  expect([status, headers.get("access-control-allow-methods"), headers.get("access-control-allow-headers")]).toEqual([
    204,
    "GET, PUT",
    "Authorization, Content-Type, Tidings-User, sentry-trace",
  ]);
});
