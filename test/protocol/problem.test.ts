import { expect, test } from "bun:test";
import { errorCodes, type ErrorCode } from "../../src/error.ts";
import { problem } from "../../src/protocol/problem.ts";

for (const code of Object.keys(errorCodes) as ErrorCode[]) {
  test(`A15 problem(${code}) is problem+json of its status`, async () => {
    const response = problem(code, "Something is wrong");
    const { status, meaning } = errorCodes[code];
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.has("retry-after")).toBe(status === 429 || status === 503);
    expect(response.headers.has("www-authenticate")).toBe(status === 401);
    expect(await response.json()).toEqual({
      type: `urn:tidings:error:${code}`,
      title: meaning,
      status,
      detail: "Something is wrong",
      code,
    });
  });
}

test("A15 problem lets its caller override headers", () => {
  const response = problem("unavailable", "Restarting", { headers: { "Retry-After": "2", Allow: "GET" } });
  expect(response.headers.get("retry-after")).toBe("2");
  expect(response.headers.get("allow")).toBe("GET");
});
