import type { Chat } from "../chat.ts";
import { closeCode } from "../protocol/close-code.ts";
import { pathOf } from "../http/path.ts";
import type { Peer } from "../http/peer.ts";
import { problem } from "../http/problem.ts";
import { guard } from "./guard.ts";
import { polledSocket } from "./polled-socket.ts";
import { frameOf, webSocket, type WebSocketLike } from "./web-socket.ts";

/** What the adapter needs of a chat. */
type Served = Pick<Chat, "admit" | "connect" | "fetch" | "limits"> & { readonly base?: string | undefined };

type ServedSocket = WebSocketLike & {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number }) => void) | null;
  onerror: (() => void) | null;
};

/** The one function of Deno that is needed. */
type Upgrade = (
  request: Request,
  options: { readonly protocol?: string; readonly idleTimeout: number },
) => { readonly socket: ServedSocket; readonly response: Response };

export type DenoOptions = {
  /** The path under which the chat is mounted, such as `/chat`: the socket is at `/chat/ws`. Default: the chat's, or the root. */
  readonly base?: string;
  /** Answers every request that is not an upgrade to the chat's socket; default: the chat's own routes. */
  readonly fetch?: (request: Request, peer: Peer) => Response | Promise<Response>;
};

/** What `Deno.serve` tells beside the request. */
type Info = { readonly remoteAddr?: { readonly hostname?: string } };

/**
 * The handler that `Deno.serve` needs to serve a chat.
 *
 * @example
 * Deno.serve({ port: 6662 }, deno(chat));
 */
export function deno(chat: Served, { base = chat.base ?? "", fetch = chat.fetch }: DenoOptions = {}) {
  return async (request: Request, info: Info = {}): Promise<Response> => {
    try {
      const peer = { address: info.remoteAddr?.hostname };
      if (request.headers.get("upgrade") === null || pathOf(request.url) !== `${base}/ws`)
        return await fetch(request, peer);
      const admission = await chat.admit(request, peer);
      if (admission instanceof Response) return admission;
      const protocol = admission.headers["Sec-WebSocket-Protocol"];
      const { socket, response } = upgradeOf()(request, {
        // Deno pings by itself, hides the pongs, and closes who does not answer for this long.
        idleTimeout: Math.ceil((2 * chat.limits.heartbeatMs) / 1_000),
        ...(protocol && { protocol }),
      });
      socket.binaryType = "arraybuffer";
      socket.onopen = () => open(socket, (made) => chat.connect(made, admission));
      return response;
    } catch {
      return problem("upgrade_required", "The request could not be upgraded to a WebSocket");
    }
  };

  function open(ws: ServedSocket, connect: (socket: ReturnType<typeof webSocket>) => ReturnType<Served["connect"]>) {
    const socket = polledSocket(webSocket(ws), () => events.drain());
    const events = guard(connect(socket), socket);
    ws.onmessage = ({ data }) => {
      const frame = frameOf(data, chat.limits);
      if (frame === null) ws.close(closeCode.tooBig, "the frame is over the limit");
      else events.receive(frame);
    };
    ws.onclose = ({ code }) => events.closed(code);
    ws.onerror = () => events.closed(1006);
  }
}

function upgradeOf(): Upgrade {
  const { Deno } = globalThis as unknown as { readonly Deno?: { readonly upgradeWebSocket: Upgrade } };
  if (!Deno) throw new TypeError("tidings/deno runs on Deno alone");
  return Deno.upgradeWebSocket;
}
