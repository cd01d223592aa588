import type { IncomingMessage } from "node:http";
import type { ServerWebSocket } from "bun";
import { createLog } from "../internal/logger.ts";
import { type Context, Hono, type HonoRequest } from "hono";
import type { UpgradeWebSocket, WSEvents } from "hono/ws";
import type { WebSocket as NodeWebSocket } from "ws";
import type { Socket, SocketEvents } from "../connection/socket.ts";
import type { Admission } from "../access/admission.ts";
import type { Peer } from "../access/peer.ts";
import { tooManyConnections } from "../access/admit.ts";
import { type Capacity, createCapacity } from "../access/capacity.ts";
import { keepIfWhole } from "./bun-keep-alive.ts";
import { BunSocket } from "./bun-socket.ts";
import { guard } from "./guard.ts";
import { answerOn, offerOnly } from "./node-request.ts";
import { polledSocket } from "./polled-socket.ts";
import { notUpgraded, type Served } from "./upgrade.ts";
import { closeUnserved, createReceive, idleSeconds, webSocket, type WebSocketLike } from "./web-socket.ts";
import { listenToWs, WsSocket } from "./ws-socket.ts";

type BunServer = {
  readonly upgrade: (request: Request, options: object) => boolean;
  readonly requestIP: (request: Request) => { readonly address: string } | null;
  readonly timeout: (request: Request, seconds: number) => void;
};

/** The part of the runtime's environment that is used: Bun's server, Node's request, Deno's connection. */
type Env = Partial<BunServer> & {
  readonly server?: BunServer;
  readonly incoming?: IncomingMessage;
  /** On Node: the response; an upgrade has none. */
  readonly outgoing?: unknown;
  readonly remoteAddr?: { readonly hostname?: string };
};

/**
 * A Hono app that serves the chat, to be mounted in a host's own with `app.route`: the socket at `/ws`, and all routes beside it. The
 * host's middleware sees all requests, upgrades too.
 *
 * @param upgradeWebSocket That of the runtime: from `hono/bun`, `hono/deno` or `@hono/node-server`.
 *
 * @example
 * app.route("/chat", hono(chat, upgradeWebSocket));
 */
export function hono<Raw, Options>(chat: Served, upgradeWebSocket: UpgradeWebSocket<Raw, Options>): Hono {
  const app = new Hono();
  // Deno cannot drop a socket: without the peer's closing handshake it stays open, and counts until it is gone.
  const capacity = createCapacity(chat.limits);
  app.on("GET", ["/ws", "/ws/"], async (context, next) => {
    const env = (context.env ?? {}) as Env;
    const request = context.req.raw;
    if (!asksForUpgrade(request, env)) return await chat.fetch(request, peerOf(request, env));
    const admission = await chat.admit(request, peerOf(request, env));
    if (admission instanceof Response) return await refuse(admission, env);
    if (!capacity.has(admission)) return await refuse(tooManyConnections(), env);
    // Deno's alone, which would take its own 30 s.
    const options = { idleTimeout: idleSeconds(chat.limits) } as Options;
    const upgrade = upgradeWebSocket(() => listeners<Raw>(chat, admission, capacity, env), options);
    const asked = upgradeContext(context, admission, env) as Parameters<typeof upgrade>[0];
    const response = await upgrade(asked, next).catch((error: unknown) => {
      // Deno's throws where a part of the handshake is missing, which strangers can cause; Bun's where the app was not given the server.
      const level = isWholeHandshake(request) ? "warn" : "debug";
      createLog(["tidings", "hono"])[level]("a request could not be upgraded", { error });
    });
    return response ?? notUpgraded();
  });
  app.all("*", async ({ req, env: given }) => {
    const env = (given ?? {}) as Env;
    keep(req.raw, env);
    const response = await chat.fetch(await unread(req), peerOf(req.raw, env));
    keep(req.raw, env, response);
    return response;
  });
  return app;
}

/** A body that middleware has read by `c.req.json()`, or the like, is taken from Hono's copy. */
async function unread(req: HonoRequest): Promise<Request> {
  const { raw } = req;
  if (!raw.bodyUsed) return raw;
  const body = await req.text().catch(() => null);
  return body === null ? raw : new Request(raw.url, { method: raw.method, headers: raw.headers, body });
}

/** On Node a request may ask for an upgrade only to go on as a plain one, as without `Connection: Upgrade`. */
const asksForUpgrade = (request: Request, { incoming, outgoing }: Env): boolean =>
  request.headers.get("upgrade") !== null && (incoming === undefined || outgoing === undefined);

const isWholeHandshake = ({ headers }: Request): boolean =>
  /\bupgrade\b/i.test(headers.get("connection") ?? "") &&
  headers.has("sec-websocket-key") &&
  headers.get("sec-websocket-version") === "13";

/** For Bun, which would close the connection of a request that waits for more than ten seconds. */
function keep(request: Request, env: Env, answer?: Response): void {
  const { timeout, requestIP } = env.server ?? env;
  if (timeout && requestIP) keepIfWhole(request, { server: { timeout: timeout.bind(env.server ?? env) }, answer });
}

function peerOf(request: Request, env: Env): Peer {
  const server = env.server ?? env;
  return {
    address: server.requestIP?.(request)?.address ?? env.incoming?.socket.remoteAddress ?? env.remoteAddr?.hostname,
  };
}

/** Node's server would leave out the body of a refused upgrade. */
async function refuse(answer: Response, { incoming }: Env): Promise<Response> {
  if (incoming === undefined) return answer;
  const { socket } = incoming;
  await answerOn(socket, answer);
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  return answer;
}

/**
 * The part of the context that the runtimes' helpers use. Each of them would select the first subprotocol that a client offers: here
 * they see the selected one only, or none.
 */
function upgradeContext({ req }: Context, admission: Admission, env: Env): unknown {
  const { headers } = admission;
  const selected = headers["Sec-WebSocket-Protocol"] || undefined;
  const replaced = new Map([
    ["sec-websocket-protocol", selected],
    // Admitted in any case of letters; Deno's helper knows lower case only.
    ["upgrade", "websocket"],
  ]);
  const header = (name: string) =>
    replaced.has(name.toLowerCase()) ? replaced.get(name.toLowerCase()) : req.header(name);
  if (env.incoming) offerOnly(env.incoming, admission);
  const server = env.server ?? env;
  const { upgrade } = server;
  // Bun reads the request itself, unless it gets the headers here.
  const bun = upgrade && {
    upgrade: (request: Request, options: object) => upgrade.call(server, request, { ...options, headers }),
  };
  return { req: { raw: req.raw, url: req.url, header }, env: bun ?? env };
}

function listeners<Raw>(chat: Served, admission: Admission, capacity: Capacity, env: Env): WSEvents<Raw> {
  let events: SocketEvents | null = null;
  const receive = createReceive(chat.limits);
  return {
    onOpen(_event, ws) {
      capacity.enter(admission);
      try {
        events = connect(ws.raw, env, (socket) => chat.connect(socket, admission));
      } catch {
        closeUnserved(ws);
      }
    },
    onMessage: ({ data }, ws) => receive(ws, data, events),
    onClose({ code }) {
      capacity.leave(admission);
      events?.closed(code);
    },
    onError: () => events?.closed(1006),
  };
}

/** Hono's own sockets report neither pongs nor drains: the runtime's socket under them is used instead. */
function connect(raw: unknown, { incoming }: Env, join: (socket: Socket) => SocketEvents): SocketEvents {
  const own = raw as ServerWebSocket<unknown> | NodeWebSocket | WebSocketLike;
  if (incoming && "terminate" in own && "ping" in own) {
    const node = own as NodeWebSocket;
    const socket = new WsSocket(node, incoming.socket);
    const events = guard(join(socket), socket);
    listenToWs({ ws: node, stream: incoming.socket }, events);
    return events;
  }
  const plain = "getBufferedAmount" in own ? new BunSocket(own) : webSocket(own as WebSocketLike);
  const socket = polledSocket(plain, () => events.drain());
  const events = guard(join(socket), socket);
  return events;
}
