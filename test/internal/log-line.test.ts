import { afterEach, describe, expect, test } from "bun:test";
import { getLogger, resetSync } from "@logtape/logtape";
import fc from "fast-check";
import { configureLog } from "../../src/standalone/log.ts";

/** Control, line-end, invisible and direction characters (categories Cc, Zl, Zp and those of Cf that matter). */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

afterEach(() => resetSync());

/** Logs one event and returns its line. */
function lineOf(properties: Record<string, unknown>, message = "Something happened"): string {
  const lines: string[] = [];
  configureLog({ level: "trace", write: (line) => lines.push(line) });
  getLogger(["tidings", "test"]).info(message, properties);
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}
const eventOf = (properties: Record<string, unknown>, message?: string): Record<string, unknown> =>
  JSON.parse(lineOf(properties, message));

test("L1 an event has time, level, category, message and its properties", () => {
  const { time, ...event } = eventOf({ port: 6662, user: "alice", isOpen: true, nothing: null, n: 2n ** 60n });
  expect(new Date(String(time)).toISOString()).toBe(String(time));
  expect(event).toEqual({
    level: "info",
    category: "tidings.test",
    message: "Something happened",
    port: 6662,
    user: "alice",
    isOpen: true,
    nothing: null,
    n: "1152921504606846976",
  });
});

describe("log injection", () => {
  const strings = [
    "a\nb",
    "a\r\nb",
    "a\rb",
    '\n{"level":"fatal","message":"forged"}',
    "\u001b[2J\u001b[31mred",
    "\u009b31m",
    "a\u0085b",
    "a\u2028b",
    "a\u2029b",
    "\u202eevil",
    "\u2066x\u2069",
    "\ufeff",
    "\u200b",
    "a\0b",
    "\x07\x08\x7f",
    "\ud800",
    '"}',
    "\\",
    "\\n",
    "{user}",
    "%s%n",
    "<script>",
  ];
  for (const text of strings) {
    test(`L1 ${JSON.stringify(text)} makes one line`, () => {
      for (const line of [
        lineOf({ user: text }),
        lineOf({ [`k${text}`]: 1 }),
        lineOf({ a: { b: [text] } }),
        lineOf({}, text),
        lineOf({ error: new Error(text) }),
      ]) {
        expect(line).not.toMatch(unprintable);
        expect(() => JSON.parse(line)).not.toThrow();
      }
      expect(eventOf({ user: text })["user"]).toBe(text);
    });
  }

  test("L1 L8 an event with any properties is one line of JSON that keeps its four fields", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ unit: "binary", maxLength: 20 }),
          fc.anything({
            withBigInt: true,
            withDate: true,
            withMap: true,
            withNullPrototype: true,
            withSparseArray: true,
            withTypedArray: true,
          }),
        ),
        fc.string({ unit: "binary" }),
        (properties, message) => {
          const line = lineOf(properties, message);
          expect(line).not.toMatch(unprintable);
          expect(JSON.parse(line)).toMatchObject({ level: "info", category: "tidings.test" });
        },
      ),
    );
  });

  test("L1 properties cannot pose as the event's own fields", () => {
    const event = eventOf({
      level: "fatal",
      time: 0,
      category: "x",
      message: "forged",
      ["__proto__"]: { level: "fatal" },
    });
    expect(event).toMatchObject({
      level: "info",
      category: "tidings.test",
      message: "Something happened",
      _level: "fatal",
      _message: "forged",
    });
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
  });
});

test("L2 texts are cut at 256 characters", () => {
  const event = eventOf(
    { user: "x".repeat(10_000), exact: "y".repeat(256), error: new Error("z".repeat(10_000)), ["k".repeat(999)]: 1 },
    "m".repeat(999),
  );
  expect(event["user"]).toBe(`${"x".repeat(256)}…`);
  expect(event["exact"]).toBe("y".repeat(256));
  expect(event["message"]).toBe(`${"m".repeat(256)}…`);
  expect(JSON.stringify(event).length).toBeLessThan(4_000);
});

test("L2 lists and objects are cut in number and depth", () => {
  const circle: Record<string, unknown> = { list: Array.from({ length: 1_000 }, (_, i) => i) };
  circle["self"] = circle;
  const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i]));
  const line = lineOf({ circle, wide });
  expect(line.length).toBeLessThan(4_000);
  expect(line).toContain('"[deep]"');
});

test("L3 secrets, bodies and endpoints are redacted at any depth and in any spelling", () => {
  const names = [
    "token",
    "authToken",
    "auth_token",
    "access-token",
    "TOKEN",
    "Authorization",
    "proxy-authorization",
    "cookie",
    "Set-Cookie",
    "secret",
    "clientSecret",
    "JWT_SECRET",
    "password",
    "ticket",
    "text",
    "body",
    "endpoint",
    "apiKey",
    "privateKey",
    "credentials",
  ];
  for (const name of names) {
    for (const value of ["canary", ["canary"], { a: "canary" }, new Error("canary")]) {
      for (const line of [
        lineOf({ [name]: value }),
        lineOf({ a: { b: { [name]: value } } }),
        lineOf({ a: [{ [name]: value }] }),
      ]) {
        expect(line).not.toContain("canary");
        expect(line).toContain("[redacted]");
      }
    }
  }
  expect(eventOf({ context: "shown", conversation: "c7", seq: 1 })).toMatchObject({
    context: "shown",
    conversation: "c7",
    seq: 1,
  });
});

test("L3 a redacted property does not come back through the message", () => {
  expect(lineOf({ token: "canary", user: "alice" }, "User {user} came with {token}")).not.toContain("canary");
  const lines: string[] = [];
  configureLog({ write: (line) => lines.push(line) });
  const logTemplate = () => getLogger(["tidings"]).info`Came with ${"canary"}`;
  logTemplate();
  expect(lines.join()).not.toContain("canary");
});

test("L4 a URL shows its path only", () => {
  const urls: [unknown, string][] = [
    ["https://user:canary@host.example/ws?ticket=canary#canary", "/ws"],
    ["/ws?user=alice&ticket=canary", "/ws"],
    ["/ws#canary", "/ws"],
    [new URL("https://host.example/a/b?canary"), "/a/b"],
  ];
  for (const [url, path] of urls) {
    expect(eventOf({ url })["url"]).toBe(path);
    expect(eventOf({ requestUrl: url })["requestUrl"]).toBe(path);
  }
  expect(lineOf({ any: new URL("https://host.example/?canary") })).not.toContain("canary");
});

test("L4 tokens and passwords are taken out of every text", () => {
  const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ";
  const texts = [
    `failed for ${jwt}`,
    `Bearer ${jwt}`,
    "Authorization: Bearer canary-token",
    "bearer  canary",
    "Basic Y2FuYXJ5canary",
    "GET /ws?ticket=canary&x=1 failed",
    "libsql://h?authToken=canary",
    "postgres://user:canary@host/db",
    "https://h/?a=1&api_key=canary",
    `${"x".repeat(240)} ${jwt}`,
  ];
  for (const text of texts) {
    for (const line of [
      lineOf({ why: text }),
      lineOf({}, text),
      lineOf({ error: new Error(text, { cause: new Error(text) }) }),
      lineOf({ [text]: 1 }),
    ]) {
      expect(line).not.toContain("canary");
      expect(line).not.toContain("eyJ");
      expect(line).not.toContain("c2lnbmF0dXJl");
    }
  }
});

test("L4 an error shows name, code, message, stack and cause", () => {
  const error = Object.assign(new TypeError("Outer", { cause: new Error("Inner") }), { code: "EX" });
  expect(eventOf({ error })["error"]).toMatchObject({
    name: "TypeError",
    code: "EX",
    message: "Outer",
    stack: expect.arrayContaining([expect.stringContaining("at ")]),
    cause: { name: "Error", message: "Inner" },
  });
});

test("L8 odd values do not keep an event from being logged", () => {
  const thrower = {
    get bad(): never {
      throw new Error("canary");
    },
    good: 1,
  };
  const event = eventOf({
    thrower,
    fn: () => 1,
    symbol: Symbol("x"),
    map: new Map([["a", "canary"]]),
    bytes: new Uint8Array(9),
    request: new Request("http://h/?canary"),
    date: new Date(0),
    bad: new Date(NaN),
    nan: NaN,
    gone: undefined,
    toJSON: () => "canary",
    proxy: new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("canary");
        },
      },
    ),
  });
  expect(event).toMatchObject({
    thrower: { bad: "[unreadable]", good: 1 },
    fn: "[function]",
    map: "[object Map]",
    request: "[object Request]",
    date: "1970-01-01T00:00:00.000Z",
    bad: "[Date]",
    nan: null,
  });
  expect(JSON.stringify(event)).not.toContain("canary");
});
