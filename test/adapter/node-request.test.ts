import { expect, test } from "bun:test";
import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import {
  answerOn,
  isBodyLost,
  keepParsedBody,
  offerOnly,
  readBefore,
  upgradeRequest,
} from "../../src/adapter/node-request.ts";

const incoming = (url: string, rawHeaders: readonly string[] = ["Host", "chat.example"], socket: object = {}) =>
  ({ url, method: "GET", rawHeaders, socket }) as unknown as IncomingMessage;

test("G1 an upgrade has the address that was asked, and each of its headers", () => {
  const request = upgradeRequest(incoming("/ws?device=phone", ["Host", "chat.example:80", "X-A", "1", "x-a", "2"]));
  expect([request?.url, request?.headers.get("x-a")]).toEqual(["http://chat.example/ws?device=phone", "1, 2"]);
  expect(upgradeRequest(incoming("/ws", ["Host", "a.example"], { encrypted: true }))?.url).toBe("https://a.example/ws");
  // HTTP/1.0 needs no Host, and the host of a whole URL does not count.
  expect(upgradeRequest(incoming("/ws", []))?.url).toBe("http://host.invalid/ws");
  expect(upgradeRequest(incoming("http://evil.example/ws?x"))?.url).toBe("http://chat.example/ws?x");
  expect(upgradeRequest(incoming("?x"))?.url).toBe("http://chat.example/?x");
});

test("X4 an upgrade with a malformed host or header is none", () => {
  for (const host of ["a/b", "a b", "user@a", "a?b", "a#b", "", "a:port"])
    expect([host, upgradeRequest(incoming("/ws", ["Host", host]))]).toEqual([host, null]);
  expect(upgradeRequest(incoming("/ws", ["Host", "a", "b\n", "x"]))).toBeNull();
});

test("G6 a body that middleware has read is taken from the copy that it kept, or from the parsed body", () => {
  const kept = (fields: object): string | undefined => {
    const request = { readableDidRead: true, ...fields } as Parameters<typeof keepParsedBody>[0];
    keepParsedBody(request);
    return Buffer.isBuffer(request.rawBody) ? request.rawBody.toString() : undefined;
  };
  expect([kept({ body: { a: 1 } }), kept({ body: "text" }), kept({ body: Buffer.from("bytes") })]).toEqual([
    '{"a":1}',
    "text",
    "bytes",
  ]);
  expect([kept({ body: { a: 1 }, rawBody: '{"a": 1}' }), kept({ body: "x", rawBody: Buffer.from("raw") })]).toEqual([
    '{"a": 1}',
    "raw",
  ]);
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  for (const body of [undefined, () => 1, circle, 1n]) expect(kept({ body })).toBeUndefined();
  expect(kept({ readableDidRead: false, body: { a: 1 } })).toBeUndefined();
});

test("G6 a body is lost where it was read and no copy was kept, and its request says so", async () => {
  const isLost = (readableDidRead: boolean, rawBody?: unknown) => isBodyLost({ readableDidRead, rawBody });
  expect([isLost(true), isLost(true, "text"), isLost(true, Buffer.alloc(0)), isLost(false)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  const post = await readBefore(new Request("http://h/a", { method: "POST", body: "x", headers: { "x-a": "1" } }));
  expect([post.url, post.method, post.headers.get("x-a"), post.bodyUsed]).toEqual(["http://h/a", "POST", "1", true]);
  expect((await readBefore(new Request("http://h/a"))).bodyUsed).toBe(false);
});

/** Everything that is written on a bare stream. */
async function written(response: Response, isEnded = false): Promise<{ text: string; stream: Duplex }> {
  let text = "";
  const stream = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, done) => ((text += chunk.toString("latin1")), done()),
  });
  if (isEnded) stream.end();
  await answerOn(stream, response);
  await new Promise((resolve) => stream.once("close", resolve));
  return { text, stream };
}

test("G1 a refused upgrade is answered on its stream, with its length, and the stream ends", async () => {
  const { text, stream } = await written(
    new Response("text", { status: 403, headers: { "X-A": "1", Connection: "keep-alive", "Content-Length": "99" } }),
  );
  expect(text).toStartWith("HTTP/1.1 403 Forbidden\r\n");
  expect(text).toEndWith("content-length: 4\r\nconnection: close\r\n\r\ntext");
  expect([text.includes("x-a: 1"), text.includes("keep-alive"), text.includes("99"), stream.destroyed]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect((await written(new Response("text"), true)).text).toBe("");
});

test("P7 only the selected subprotocol is left in the request", () => {
  const request = { headers: { "sec-websocket-protocol": "a, tidings.v1" } };
  offerOnly(request, { headers: { "Sec-WebSocket-Protocol": "tidings.v1" } } as unknown as Parameters<
    typeof offerOnly
  >[1]);
  expect(request.headers).toEqual({ "sec-websocket-protocol": "tidings.v1" });
  offerOnly(request, { headers: {} } as Parameters<typeof offerOnly>[1]);
  expect(request.headers).toEqual({} as never);
});
