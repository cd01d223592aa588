import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Frame } from "../frames.ts";
import { encodeFrame, opcode } from "../wire/frame-codec.ts";
import { type Field, passedHeaders } from "../wire/passed-headers.ts";
import { acceptOf, upgrade } from "../wire/upgrade.ts";
import { createWebSocketEnd, type WebSocketEnd } from "../wire/web-socket.ts";
import type { ClientFrame, Event, Link } from "./link.ts";

/** An answer that the proxy gives in place of the server. */
export type Refusal = { readonly status: number; readonly code: string; readonly retryAfterSeconds?: number };

/** A request as the proxy sees it. */
export type SeenRequest = { readonly at: number; readonly method: string; readonly url: URL; readonly body: string };

/** What the proxy does to the traffic. A case replaces the functions while it runs. */
export type Faults = {
  /** Which frames the client gets for one of the server. */
  fromServer: (frame: Frame, link: Link) => readonly object[];
  /** Which frames the server gets for one of the client. */
  fromClient: (frame: ClientFrame, link: Link) => readonly object[];
  /** Refuses an upgrade, and what asks for the reason. */
  refusal: (url: URL) => Refusal | null;
  /** Nothing answers: each connection is dropped. */
  isOffline: boolean;
  /** In place of what the client proves itself with; null: that. */
  authorization: string | null;
  /** How long each frame takes. */
  delayMs: number;
  /** The server behind the proxy. */
  upstream: string;
};

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

const passed = <T>(frame: T): readonly T[] => [frame];

/** Headers of a request that prove or name a user, or that a server judges. */
const proofHeaders = ["authorization", "cookie", "tidings-user", "origin", "sec-websocket-protocol"] as const;

export async function startProxy(upstream: string): Promise<Proxy> {
  const links: Link[] = [];
  const attempts: { readonly at: number; readonly url: URL }[] = [];
  const requests: SeenRequest[] = [];
  const named: string[] = [];
  const sockets = new Set<Duplex>();
  const faults: Faults = {
    ...{ fromServer: passed, fromClient: passed, refusal: () => null },
    ...{ isOffline: false, authorization: null, delayMs: 0, upstream },
  };

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
    requests.push({ at: Date.now(), method: request.method ?? "GET", url: target, body });
    if (faults.isOffline) return void response.destroy();
    const refusal = ["/me", "/changes"].includes(target.pathname) ? faults.refusal(target) : null;
    if (refusal !== null) {
      response.writeHead(refusal.status, headersOf(refusal));
      return void response.end(bodyOf(refusal));
    }
    const type = request.headers["content-type"];
    const answered = await fetch(faults.upstream + target.pathname + target.search, {
      method: request.method ?? "GET",
      headers: { ...proofOf(request, faults), ...(type !== undefined && { "content-type": type }) },
      ...(body !== "" && { body }),
      redirect: "manual",
    });
    const text = await answered.text();
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
    const refusal = faults.refusal(target);
    if (refusal !== null) return refuse(stream, refusal);
    const upgraded = await upgrade(
      new URL(faults.upstream + target.pathname + target.search),
      proofOf(request, faults),
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
    links.push(join({ at, query: target.searchParams, stream, head, upstream: upgraded, faults }));
  }

  return {
    ...{ url, faults, links: () => links, attempts: () => attempts, requests: () => requests, named: () => named },
    heal() {
      Object.assign(faults, { fromServer: passed, fromClient: passed, refusal: () => null });
      Object.assign(faults, { isOffline: false, authorization: null, delayMs: 0 });
    },
    cutAll: () => links.forEach((link) => link.cut()),
    close() {
      server.close();
      for (const link of links) link.cut();
      for (const socket of sockets) socket.destroy();
    },
  };
}

type Joined = {
  readonly at: number;
  readonly query: URLSearchParams;
  readonly stream: Duplex;
  readonly head: Buffer;
  readonly upstream: { readonly stream: Duplex; readonly head: Buffer };
  readonly faults: Faults;
};

/** Connects the two ends, with the faults between them. */
function join({ at, query, stream, head, upstream, faults }: Joined): Link {
  const events: Event[] = [];
  const violations: string[] = [];
  const later = (act: () => void): void => {
    if (faults.delayMs > 0) setTimeout(act, faults.delayMs);
    else act();
  };
  const note = (from: Event["from"], frame: object): void =>
    void events.push({ from, at: Date.now(), frame } as unknown as Event);

  const client: WebSocketEnd = createWebSocketEnd(stream, {
    role: "server",
    head,
    onText: (text) =>
      later(() => {
        const frame = parse(text);
        note("client", frame);
        for (const one of faults.fromClient(frame as ClientFrame, link))
          server.sendText(one === frame ? text : JSON.stringify(one));
      }),
    onFault: (fault) => violations.push(`the client sent ${fault}`),
    onClose: () => server.cut(),
  });
  const server: WebSocketEnd = createWebSocketEnd(upstream.stream, {
    role: "client",
    head: upstream.head,
    onText: (text) =>
      later(() => {
        const frame = parse(text);
        for (const one of faults.fromServer(frame as Frame, link)) {
          if (!client.isOpen()) return;
          note("server", one);
          client.sendText(one === frame ? text : JSON.stringify(one));
        }
      }),
    onFault: (fault) => violations.push(`the server sent ${fault}`),
    onClose: ({ code, reason }) => (code === 1006 || code === 1005 ? client.cut() : client.close(code, reason)),
  });
  const injectText = (text: string): void => client.sendText(text);
  const link: Link = {
    ...{ at, query, events, injectText, ping: client.ping, pongs: client.pongs, close: client.close, cut: client.cut },
    ...{ closed: client.closed, isOpen: client.isOpen, violations },
    inject(frame) {
      note("server", frame);
      injectText(JSON.stringify(frame));
    },
    injectInPieces(text) {
      note("server", parse(text));
      client.sendInPieces(text);
    },
    cutWithin(frame) {
      const bytes = encodeFrame(Buffer.from(JSON.stringify(frame)), { op: opcode.text, isMasked: false });
      client.sendBytes(bytes.subarray(0, bytes.length >> 1));
      setTimeout(client.cut, 50);
    },
  };
  return link;
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : { type: "not an object" };
  } catch {
    return { type: "not JSON" };
  }
}

async function readAll(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function proofOf({ headers }: IncomingMessage, { authorization }: Faults): Record<string, string> {
  if (authorization !== null) return { authorization };
  const found: Record<string, string> = {};
  for (const name of proofHeaders) {
    const value = headers[name];
    // Its origin is the proxy's own: the server would refuse it.
    if (typeof value === "string" && name !== "origin") found[name] = value;
  }
  return found;
}

const headersOf = ({ retryAfterSeconds }: Refusal): Record<string, string> => ({
  "content-type": "application/problem+json",
  ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
});

const bodyOf = ({ status, code }: Refusal): string =>
  JSON.stringify({ type: "about:blank", title: code, status, detail: "refused by the conformance kit", code });

const linesOf = (fields: readonly Field[]): readonly string[] => fields.map(([name, value]) => `${name}: ${value}`);

function refuse(stream: Duplex, refusal: Refusal): void {
  const headers = linesOf(Object.entries(headersOf(refusal)));
  end(stream, { status: refusal.status, headers, body: bodyOf(refusal) });
}

type Ending = { readonly status: number; readonly headers: readonly string[]; readonly body: string };

function end(stream: Duplex, { status, headers, body }: Ending): void {
  const length = `content-length: ${Buffer.byteLength(body)}`;
  stream.end([`HTTP/1.1 ${status} Refused`, ...headers, length, "connection: close", "", body].join("\r\n"));
}
