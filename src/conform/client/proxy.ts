import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { passedHeaders } from "../wire/passed-headers.ts";
import { acceptOf, upgrade } from "../wire/upgrade.ts";
import { type Faults, noFaults, type SeenRequest } from "./faults.ts";
import { joinEnds } from "./joined-link.ts";
import type { Link } from "./link.ts";
import { bodyOf, end, headersOf, linesOf, proofOf, readAll, type Refusal, refuse } from "./proxy-answers.ts";

/** A network with faults, between a client and its server. */
export interface Proxy {
  readonly url: string;
  readonly faults: Faults;
  /** Every connection so far. */
  links(): readonly Link[];
  /** Upgrades that came, also those that were refused, and everything that came while nothing answered. */
  attempts(): readonly { readonly at: number; readonly url: URL }[];
  requests(): readonly SeenRequest[];
  /** The `Tidings-User` of each answer that has one: as whom the server has answered. */
  named(): readonly string[];
  /** Back to a network without faults. */
  heal(): void;
  cutAll(): void;
  close(): void;
}

/** As a server sees an upgrade whose headers were taken away. */
const blocked: Refusal = { status: 426, code: "upgrade_required" };

export async function startProxy(upstream: string): Promise<Proxy> {
  const links: Link[] = [];
  const attempts: { readonly at: number; readonly url: URL }[] = [];
  const requests: SeenRequest[] = [];
  const named: string[] = [];
  const sockets = new Set<Duplex>();
  const faults: Faults = { ...noFaults, upstream };

  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.on("upgrade", (request, stream, head) => void open(request, stream, head).catch(() => stream.destroy()));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    if (!faults.isOffline) return;
    attempts.push({ at: Date.now(), url: new URL(url) });
    socket.destroy();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = new URL(request.url ?? "/", url);
    const body = await readAll(request);
    const seen: SeenRequest = {
      at: Date.now(),
      method: request.method ?? "GET",
      url: target,
      body,
      answer: null,
      isLost: false,
    };
    requests.push(seen);
    if (faults.isOffline) return void response.destroy();
    const refusal = ["/me", "/changes"].includes(target.pathname) ? faults.refusal(target) : null;
    if (refusal !== null) {
      response.writeHead(refusal.status, headersOf(refusal));
      return void response.end(bodyOf(refusal));
    }
    faults.onRequest(seen);
    const type = request.headers["content-type"];
    const answered = await fetch(faults.upstream + target.pathname + target.search, {
      method: request.method ?? "GET",
      headers: { ...proofOf(request, faults.authorization), ...(type !== undefined && { "content-type": type }) },
      ...(body !== "" && { body }),
      redirect: "manual",
    });
    const text = await answered.text();
    seen.isLost = faults.losesAnswers;
    if (seen.isLost) return void response.destroy();
    seen.answer = text;
    const name = answered.headers.get("tidings-user");
    if (name !== null) named.push(name);
    for (const [name, value] of passedHeaders(answered.headers)) response.appendHeader(name, value);
    response.writeHead(answered.status);
    response.end(text);
  }

  async function open(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const target = new URL(request.url ?? "/", url);
    const at = Date.now();
    attempts.push({ at, url: target });
    stream.on("error", () => stream.destroy());
    if (faults.isOffline) return void stream.destroy();
    const refusal = faults.blocksSockets ? blocked : faults.refusal(target);
    if (refusal !== null) return refuse(stream, refusal);
    const upgraded = await upgrade(
      new URL(faults.upstream + target.pathname + target.search),
      proofOf(request, faults.authorization),
    );
    const headers = linesOf(passedHeaders(upgraded.headers));
    if (upgraded.status !== 101) return end(stream, { status: upgraded.status, headers, body: upgraded.body });
    stream.write(
      [
        ...["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"],
        `Sec-WebSocket-Accept: ${acceptOf(request.headers["sec-websocket-key"] ?? "")}`,
        ...headers,
        ...["", ""],
      ].join("\r\n"),
    );
    links.push(joinEnds({ at, query: target.searchParams, stream, head, upstream: upgraded, faults }));
  }

  return {
    ...{ url, faults, links: () => links, attempts: () => attempts, requests: () => requests, named: () => named },
    heal: () => void Object.assign(faults, noFaults),
    cutAll: () => links.forEach((link) => link.cut()),
    close() {
      server.close();
      for (const link of links) link.cut();
      for (const socket of sockets) socket.destroy();
    },
  };
}
