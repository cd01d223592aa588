import type { Serve, Server, ServerWebSocket, WebSocketHandler } from "bun";
import { createLog } from "../internal/logger.ts";
import type { Chat } from "../chat.ts";
import type { SocketEvents } from "../connection/socket.ts";
import type { Admission } from "../access/admission.ts";
import { isSocketPath } from "../http/api.ts";
import { parseBase } from "../http/path.ts";
import type { Peer } from "../access/peer.ts";
import { problem } from "../protocol/problem.ts";
import { keepIfWhole } from "./bun-keep-alive.ts";
import { bunSocket } from "./bun-socket.ts";

/** What the adapter needs of a chat. */
type Served = Pick<Chat, "admit" | "connect" | "fetch" | "limits"> & { readonly base?: string | undefined };

type Data = { readonly admission: Admission; events: SocketEvents | null };

export type BunOptions = {
  /** The port to listen on; 0 takes a free one. Default: Bun's own, 3000. */
  readonly port?: number;
  /** The address to listen on, such as `127.0.0.1`. Default: Bun's own, all addresses of the machine. */
  readonly hostname?: string;
  /** The path under which the chat is mounted, such as `/chat`: the socket is at `/chat/ws`. Default: the chat's, or any prefix. */
  readonly base?: string;
  /** Answers every request that is not an upgrade; default: the chat's own routes. */
  readonly fetch?: (request: Request, peer: Peer) => Response | Promise<Response>;
};

/**
 * An HTTP connection whose request does not come, or does not come to its end, is closed after this long, also when
 * bytes of it keep dripping. It is Bun's default today; said here, so that no other default takes the defence away.
 */
const httpIdleSeconds = 10;

/**
 * What `Bun.serve` needs to serve a chat.
 *
 * @example
 * Bun.serve(bun(chat, { port: 6662 }));
 */
export function bun(chat: Served, { fetch = chat.fetch, base = chat.base, ...listen }: BunOptions = {}) {
  const mount = base === undefined ? undefined : parseBase(base);
  return {
    ...listen,
    idleTimeout: httpIdleSeconds,
    async fetch(request: Request, server: Server<Data>): Promise<Response | undefined> {
      try {
        await nextTurn();
        if (request.headers.get("upgrade") === null || !isSocketPath(request.url, mount)) {
          keepIfWhole(request, server);
          const response = await fetch(request, peerOf(request, server));
          keepIfWhole(request, server, response);
          return response;
        }
        const admission = await chat.admit(request, peerOf(request, server));
        if (admission instanceof Response) return admission;
        const data: Data = { admission, events: null };
        if (server.upgrade(request, { data, headers: admission.headers })) return undefined;
        // Normal where the peer went away while it was being authenticated.
        return problem("upgrade_required", "The request could not be upgraded to a WebSocket");
      } catch {
        return problem("internal", "The request could not be answered");
      }
    },
    websocket: bunWebSocket(chat),
  } satisfies Serve.Options<Data>;
}

const peerOf = (request: Request, server: Server<Data>): Peer => ({ address: server.requestIP(request)?.address });

/**
 * Bun goes on accepting connections, and serving what came with them, for as long as new ones come. Whoever answered them at
 * once would let a few that connect again and again keep everybody else waiting; so each waits for its turn.
 */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Every handler is wrapped: with Bun, a throw in one ends the process. */
function bunWebSocket(chat: Served): WebSocketHandler<Data> {
  const log = createLog(["tidings", "bun"]);
  const guarded = (ws: ServerWebSocket<Data>, call: () => void): void => {
    try {
      call();
    } catch (error) {
      log.error("a socket's handler failed", { error });
      ws.terminate();
    }
  };
  return {
    maxPayloadLength: chat.limits.frameBytesMax,
    // The core bounds what waits to go out long before this: reaching it would drop a frame unseen.
    backpressureLimit: 16 * chat.limits.outboxBytesMax,
    closeOnBackpressureLimit: true,
    // Deadlines are the core's: Bun's own timer is kept quiet by what the server itself sends.
    idleTimeout: 960,
    sendPings: false,
    perMessageDeflate: false,
    open: (ws) => guarded(ws, () => void (ws.data.events = chat.connect(bunSocket(ws), ws.data.admission))),
    message: (ws, frame) => guarded(ws, () => ws.data.events?.receive(frame)),
    drain: (ws) => guarded(ws, () => ws.data.events?.drain()),
    pong: (ws) => guarded(ws, () => ws.data.events?.pong()),
    close: (ws, code) => guarded(ws, () => ws.data.events?.closed(code)),
  };
}
