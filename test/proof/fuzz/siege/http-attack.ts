import fc from "fast-check";
import { hostilePush } from "../hostile-push.ts";
import type { Attack } from "./attack.ts";

const latin = fc.string({ unit: fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 30 });

const method = fc.oneof(
  fc.constantFrom("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"),
  fc.constantFrom("BREW", "get", "", "G".repeat(300), "GET\t", "PRI"),
);
const target = fc.oneof(
  fc.constantFrom(
    "/",
    "/ws",
    "/ws?user=alice",
    "/healthz",
    "/readyz",
    "/config.json",
    "/page.css",
    "/messages",
    "/conversations",
  ),
  fc.constantFrom(
    "/devices/phone?user=alice",
    "/devices/%ff?user=alice",
    "/quiet-hours?user=alice",
    "/push?user=alice",
    "/push/explain?user=alice&message=%00",
    "/conversations/c1/mute?user=alice",
    `/devices/${"a".repeat(2_000)}?user=alice`,
  ),
  fc.constantFrom(
    "*",
    "http://localhost/ws",
    "http://evil.example/",
    "localhost:1",
    "",
    "//",
    "/../../etc/passwd",
    "/%00",
    "/%",
  ),
  fc.constantFrom(
    `/${"a".repeat(20_000)}`,
    `/ws?${"a=b&".repeat(2_000)}`,
    "/ws?user=%ff&device=%",
    "/ws?user=a&user=b",
  ),
  latin.map((text) => `/${text}`),
);
const version = fc.constantFrom(
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/2.0",
  "HTTP/0.9",
  "HTTP/1.1 ",
  "",
  "HTTX/1.1",
);
/** A request that a route reads to its end. */
const registration = hostilePush.map((push) => {
  const body = JSON.stringify({ push });
  return [
    ["PUT /devices/phone?user=alice HTTP/1.1", "Host: localhost", "Content-Type: application/json"],
    [`Content-Length: ${Buffer.byteLength(body)}`, "", Buffer.from(body).toString("latin1")],
  ]
    .flat()
    .join("\r\n");
});
const header = fc.oneof(
  fc.constantFrom(
    "Host: localhost",
    "Host: localhost",
    "Host: evil.example",
    "Host:",
    "Host: [::1]:1",
    "host: localhost",
  ),
  fc.constantFrom(
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 5, 6",
    "Content-Length: 1e3",
  ),
  fc.constantFrom(
    "Content-Length: 99999999999999999999",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: +5",
  ),
  fc.constantFrom("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: xchunked"),
  fc.constantFrom(
    "Connection: close",
    "Connection: keep-alive",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Upgrade: h2c",
  ),
  fc.constantFrom("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 12"),
  fc.constantFrom("Sec-WebSocket-Protocol: bearer.x, tidings.v1", "Sec-WebSocket-Extensions: permessage-deflate"),
  fc.constantFrom("Origin: null", "Origin: http://evil.example", "Expect: 100-continue", "Accept-Encoding: gzip;q=0"),
  fc.constantFrom(`X: ${"x".repeat(20_000)}`, Array.from({ length: 300 }, (_, i) => `X-${i}: ${i}`).join("\r\n")),
  fc.constantFrom(" folded", "no colon", ": no name", "A\0B: c", "X: a\0b", "X: a\nY: b", "Cookie: a=b; a=c"),
  latin,
);
const body = fc.oneof(
  fc.constantFrom(
    "",
    "",
    "hello",
    "5\r\nhello\r\n0\r\n\r\n",
    "zz\r\n",
    "ffffffffffffffff\r\nx",
    "-1\r\n",
    "5;ext=1\r\nhello\r\n0\r\nT: x\r\n\r\n",
  ),
  fc.constantFrom("0\r\n\r\nGET / HTTP/1.1\r\n\r\n", `{"a":${"[".repeat(2_000)}`, "x".repeat(30_000)),
  latin,
);
const lineEnd = fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r");

const request = fc
  .record({ method, target, version, headers: fc.array(header, { maxLength: 6 }), body, lineEnd })
  .map(
    (it) =>
      `${[`${it.method} ${it.target} ${it.version}`, ...it.headers].join(it.lineEnd)}${it.lineEnd}${it.lineEnd}${it.body}`,
  );

/** Right, nearly right and conflicting requests, one behind the other on one connection. */
export const httpAttack: fc.Arbitrary<Attack> = fc
  .record({
    requests: fc.array(fc.oneof({ weight: 5, arbitrary: request }, registration), { minLength: 1, maxLength: 4 }),
    isSplit: fc.boolean(),
    end: fc.constantFrom<Attack["end"]>("wait", "half", "reset"),
  })
  .map(({ requests, isSplit, end }) => {
    const chunks = requests.map((text) => Buffer.from(text, "latin1"));
    return { kind: "http", cases: requests.length, chunks: isSplit ? chunks : [Buffer.concat(chunks)], gapMs: 0, end };
  });
