import { afterAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startProxy } from "../../src/conform/client/proxy.ts";
import { acceptOf, upgrade } from "../../src/conform/wire/upgrade.ts";

/** A server that answers everything with these headers. */
const headers = { "Retry-After": "7", "Tidings-User": "acme/alice", "Content-Type": "application/problem+json" };
const upstream = createServer((request, response) => {
  if (request.url === "/named") return void response.end(request.headers["tidings-user"]);
  if (request.url === "/moved") return void response.writeHead(307, { Location: "/me" }).end();
  response.setHeader("Set-Cookie", ["a=1", "b=2"]);
  response.writeHead(429, { ...headers, Connection: "keep-alive, X-Hop", "X-Hop": "1" }).end("{}");
});
upstream.on("upgrade", (request, stream) => {
  const isOpen = request.url === "/ws";
  const key = acceptOf(request.headers["sec-websocket-key"] ?? "");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const first = isOpen
    ? ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${key}`]
    : ["HTTP/1.1 503 No", "Content-Length: 2", "Connection: close, X-Hop", "X-Hop: 1"];
  stream.end([...first, ...lines, "", isOpen ? "" : "{}"].join("\r\n"));
});
await new Promise<void>((resolve) => void upstream.listen(0, "127.0.0.1", resolve));
const proxy = await startProxy(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
afterAll(() => {
  proxy.close();
  upstream.close();
});

test("Y7 the kit's network passes on the headers of an answer, but not those of one hop", async () => {
  const answer = await fetch(`${proxy.url}/me`);
  const named = ["retry-after", "tidings-user", "content-type", "x-hop"].map((name) => answer.headers.get(name));
  expect([answer.status, ...named]).toEqual([429, "7", "acme/alice", "application/problem+json", null]);
  expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await answer.text()).toBe("{}");
  const moved = await fetch(`${proxy.url}/moved`, { redirect: "manual" });
  expect([moved.status, moved.headers.get("location")]).toEqual([307, "/me"]);
});

test("Y7 a request reaches the server with the user whom it names", async () => {
  const answer = await fetch(`${proxy.url}/named`, { headers: { "Tidings-User": "acme/alice" } });
  expect(await answer.text()).toBe("acme/alice");
});

test("Y7 so it does with an upgrade that is refused, and with one that is not", async () => {
  const refused = await upgrade(new URL(`${proxy.url}/elsewhere`));
  const opened = await upgrade(new URL(`${proxy.url}/ws`));
  const of = ({ headers: got }: typeof refused) =>
    ["retry-after", "tidings-user", "x-hop"].map((name) => got.get(name));
  expect([refused.status, refused.body, ...of(refused)]).toEqual([503, "{}", "7", "acme/alice", undefined]);
  expect([opened.status, ...of(opened)]).toEqual([101, "7", "acme/alice", undefined]);
  opened.stream.destroy();
});

test("Y7 a refusal of the kit's own has its Retry-After", async () => {
  proxy.faults.refusal = () => ({ status: 503, code: "unavailable", retryAfterSeconds: 3 });
  const refused = await upgrade(new URL(`${proxy.url}/ws`));
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "3"]);
  proxy.heal();
});
