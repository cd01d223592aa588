import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ChatError } from "../../src/error.ts";
import { hostOf, isOriginAllowed, parseOrigins } from "../../src/access/origin.ts";

const allowed = parseOrigins(["https://app.example", "http://localhost:5173", "capacitor://localhost"]);
const at = (host: string | null, url = `http://${host}/ws`) => ({ host, url, allowed });

describe("exact origins pass", () => {
  test("A4 a request without Origin is allowed", () => {
    expect(isOriginAllowed(null, at("chat.example"))).toBe(true);
    expect(isOriginAllowed(null, at(null, "/ws"))).toBe(true);
  });

  for (const origin of allowed) {
    test(`A3 the listed ${origin} is allowed`, () => expect(isOriginAllowed(origin, at("chat.example"))).toBe(true));
  }

  for (const [origin, host] of [
    ["https://chat.example", "chat.example"],
    ["http://chat.example", "chat.example"],
    ["https://chat.example", "CHAT.example"],
    ["https://chat.example", "chat.example:443"],
    ["http://chat.example", "chat.example:80"],
    ["https://chat.example:8443", "chat.example:8443"],
    ["http://127.0.0.1:6662", "127.0.0.1:6662"],
    ["http://[::1]:6662", "[::1]:6662"],
    ["https://xn--mnchen-3ya.example", "xn--mnchen-3ya.example"],
  ] as const) {
    test(`A5 ${origin} is the own origin of the host ${host}`, () => {
      expect(isOriginAllowed(origin, at(host))).toBe(true);
    });
  }
});

describe("every other origin is refused", () => {
  const foreign = [
    "null",
    "",
    " ",
    "*",
    "undefined",
    "https://evil.example",
    "https://chat.example.evil.example",
    "https://evilchat.example",
    "https://evil.chat.example",
    "https://chat.exampl",
    "https://chat.example2",
    "https://chat-example",
    "https://chat.example.",
    "https://chat.example:443",
    "http://chat.example:80",
    "https://chat.example:8443",
    "https://chat.example:",
    "http://chat.example:443",
    "https://chat.example/",
    "https://chat.example/ws",
    "https://chat.example?x",
    "https://chat.example#x",
    "https://CHAT.example",
    "HTTPS://chat.example",
    "https://user@chat.example",
    "https://user:pw@chat.example",
    "https://chat.example@evil.example",
    "https://evil.example/chat.example",
    "https://evil.example#chat.example",
    "https://evil.example?chat.example",
    "https://evil.example\\@chat.example",
    "https:/chat.example",
    "https:chat.example",
    "//chat.example",
    "chat.example",
    "ws://chat.example",
    "wss://chat.example",
    "ftp://chat.example",
    "file://chat.example",
    "file://",
    "data:text/html,x",
    "javascript:alert(1)",
    "blob:https://chat.example/1",
    "chrome-extension://chat.example",
    "https://chat.example, https://evil.example",
    "https://chat.example https://evil.example",
    " https://chat.example",
    "https://chat.example ",
    "https://chat.example\t",
    "https://chat.example\0",
    "https://chаt.example",
    "https://chat。example",
    "https://ｃhat.example",
    "https://xn--cht-5cd.example",
    "https://chat.ex%61mple",
    "https://münchen.example",
    "https://app.example.",
    "https://app.example:443",
    "https://app.example:8443",
    "http://app.example",
    "https://sub.app.example",
    "https://App.example",
    "https://app.example/",
    "http://localhost",
    "http://localhost:5174",
    "https://localhost:5173",
    "http://127.0.0.1:5173",
    "capacitor://localhost/",
    "capacitor://LOCALHOST",
    "ionic://localhost",
    "https://2130706433",
    "https://[::1]",
    "https://0",
    "https://chat.example:65536",
  ];

  test("A3 the table has at least 40 distinct origins", () => expect(new Set(foreign).size).toBeGreaterThanOrEqual(40));

  for (const origin of new Set(foreign)) {
    test(`A3 ${JSON.stringify(origin)} is refused`, () =>
      expect(isOriginAllowed(origin, at("chat.example"))).toBe(false));
  }

  test("A5 an http page is not the own origin of an https server", () => {
    expect(isOriginAllowed("http://chat.example", at("chat.example", "https://chat.example/ws"))).toBe(false);
    expect(isOriginAllowed("https://chat.example", at("chat.example", "https://chat.example/ws"))).toBe(true);
  });

  for (const host of [
    null,
    "",
    "chat.example, evil.example",
    "evil.example@chat.example",
    "chat.example.",
    "chat.example:8443",
    "chat.example/",
  ]) {
    test(`A5 https://chat.example is not the own origin of the host ${JSON.stringify(host)}`, () => {
      expect(isOriginAllowed("https://chat.example", at(host))).toBe(false);
    });
  }

  test("A3 an address is not the same origin as its other spellings", () => {
    for (const host of ["127.1", "2130706433", "0x7f.0.0.1"]) {
      expect(isOriginAllowed("http://127.0.0.1", at(host))).toBe(false);
    }
  });

  test("A3 no text around an allowed origin is allowed", () => {
    const around = fc.tuple(fc.string({ unit: "binary", maxLength: 6 }), fc.string({ unit: "binary", maxLength: 6 }));
    fc.assert(
      fc.property(around, fc.constantFrom(...allowed, "https://chat.example"), ([before, after], origin) => {
        fc.pre(before + after !== "");
        return !isOriginAllowed(before + origin + after, at("chat.example"));
      }),
    );
  });
});

describe("hostOf", () => {
  test("A5 is the Host header, else the URL's host, else null", () => {
    expect(hostOf(new Request("http://url.example/ws", { headers: { host: "header.example:1" } }))).toBe(
      "header.example:1",
    );
    expect(hostOf(new Request("http://url.example:8080/ws"))).toBe("url.example:8080");
    expect(hostOf({ url: "/ws", headers: new Headers() })).toBeNull();
  });
});

describe("parseOrigins", () => {
  const right = [
    "https://app.example",
    "http://localhost:5173",
    "http://[::1]:5173",
    "https://xn--mnchen-3ya.example",
    "capacitor://localhost",
    "ionic://localhost",
    "chrome-extension://abcdefghijklmnop",
    "app://my.app:8080",
    "app://.",
    "file://",
    "null",
  ];
  for (const origin of right) test(`A19 ${origin} is taken`, () => expect(parseOrigins([origin])).toEqual([origin]));

  test("A19 doubled entries count once", () => {
    expect(parseOrigins(["https://a.example", "https://a.example"])).toEqual(["https://a.example"]);
  });

  const wrong: [string, string][] = [
    [
      "https://app.example/",
      'Expected "https://app.example", as browsers send it; the origin is "https://app.example/"',
    ],
    ["https://App.example", 'Expected "https://app.example", as browsers send it; the origin is "https://App.example"'],
    [
      "https://app.example:443",
      'Expected "https://app.example", as browsers send it; the origin is "https://app.example:443"',
    ],
    [
      "https://app.example/chat",
      'Expected "https://app.example", as browsers send it; the origin is "https://app.example/chat"',
    ],
    [
      "https://münchen.example",
      'Expected "https://xn--mnchen-3ya.example", as browsers send it; the origin is "https://münchen.example"',
    ],
    ["https://*.example", 'Wildcards are not supported, every origin is named; the origin is "https://*.example"'],
    ["*", 'Wildcards are not supported, every origin is named; the origin is "*"'],
    ["app.example", 'Expected "https://host" or "https://host:port"; the origin is "app.example"'],
    ["https:app.example", 'Expected "https://host" or "https://host:port"; the origin is "https:app.example"'],
    ["https://", 'Expected "https://host" or "https://host:port"; the origin is "https://"'],
    ["wss://app.example", 'Expected http or https, the scheme of the page; the origin is "wss://app.example"'],
    ["file://app", 'Expected http or https, the scheme of the page; the origin is "file://app"'],
    ["capacitor://Localhost", 'Expected "scheme://host" in lower case; the origin is "capacitor://Localhost"'],
    ["capacitor://localhost/", 'Expected "scheme://host" in lower case; the origin is "capacitor://localhost/"'],
    ["https://user:canary@app.example", "An origin has no user name or password"],
    [
      "https://app.example?key=canary",
      'Expected "https://app.example", as browsers send it; the origin is "https://app.example?***"',
    ],
    ["", 'Expected "https://host" or "https://host:port"; the origin is ""'],
  ];
  for (const [origin, text] of wrong) {
    test(`A19 ${JSON.stringify(origin)} is refused with a clear text`, () => {
      expect(() => parseOrigins([origin])).toThrow(new ChatError("config_invalid", text));
    });
  }
});
