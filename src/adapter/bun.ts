import type { Serve, Server, ServerWebSocket, WebSocketHandler } from "bun";
import { createLog } from "../internal/logger.ts";
import type { SocketEvents } from "../connection/socket.ts";
import type { Admission } from "../access/admission.ts";
import type { Peer } from "../access/peer.ts";
import { keepIfWhole } from "./bun-keep-alive.ts";
import { BunSocket } from "./bun-socket.ts";
import { failed, type MountOptions, notUpgraded, type Served, socketMatcher } from "./upgrade.ts";

/** `admission`: null once the socket is open. */
type Data = { admission: Admission | null; events: SocketEvents | null };

export type BunOptions = MountOptions & {
  /** The port to listen on; 0 takes a free one. Default: Bun's own, 3000. */
  readonly port?: number;
  /** The address to listen on, such as `127.0.0.1`. Default: Bun's own, all addresses of the machine. */
  readonly hostname?: string;
};

/**
 * An HTTP connection without a complete request is closed after this long, also while bytes keep dripping. It is Bun's default today; set
 * here, so that another default cannot remove the defence.
 */
const httpIdleSeconds = 10;

/**
 * The options with which `Bun.serve` serves a chat.
 *
 * @example
 * Bun.serve(bun(chat, { port: 6662 }));
 */
export function bun(chat: Served, { fetch = chat.fetch, base = chat.base, ...listen }: BunOptions = {}) {
  const isForSocket = socketMatcher(base);
  return {
    ...listen,
    idleTimeout: httpIdleSeconds,
    async fetch(request: Request, server: Server<Data>): Promise<Response | undefined> {
      try {
        await nextTurn();
        if (request.headers.get("upgrade") === null || !isForSocket(request)) {
          keepIfWhole(request, { server });
          const response = await fetch(request, peerOf(request, server));
          keepIfWhole(request, { server, answer: response });
          return response;
        }
        const admission = await chat.admit(request, peerOf(request, server));
        if (admission instanceof Response) return admission;
        const data: Data = { admission, events: null };
        if (server.upgrade(request, { data, headers: admission.headers })) return undefined;
        // Normal where the peer went away during authentication.
        return notUpgraded();
      } catch {
        return failed();
      }
    },
    websocket: bunWebSocket(chat),
  } satisfies Serve.Options<Data>;
}

const peerOf = (request: Request, server: Server<Data>): Peer => ({ address: server.requestIP(request)?.address });

/**
 * Bun accepts connections, and serves their first requests, for as long as new ones come. If these were answered at once, a few clients that
 * reconnect all the time would delay all others; so each request waits for its turn.
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
    // The core's bound on outgoing bytes is far lower: reaching this one would silently drop a frame.
    backpressureLimit: 16 * chat.limits.outboxBytesMax,
    closeOnBackpressureLimit: true,
    // The core keeps the deadlines: Bun's own timer would restart with each frame of the server.
    idleTimeout: 960,
    sendPings: false,
    perMessageDeflate: false,
    open: (ws) =>
      guarded(ws, () => {
        const { admission } = ws.data;
        ws.data.admission = null;
        if (admission !== null) ws.data.events = chat.connect(new BunSocket(ws), admission);
      }),
    message: (ws, frame) => guarded(ws, () => ws.data.events?.receive(frame)),
    drain: (ws) => guarded(ws, () => ws.data.events?.drain()),
    pong: (ws) => guarded(ws, () => ws.data.events?.pong()),
    close: (ws, code) => guarded(ws, () => ws.data.events?.closed(code)),
  };
}
