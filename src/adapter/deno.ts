import type { Chat } from "../chat.ts";
import type { Admission } from "../access/admission.ts";
import { createCapacity } from "../access/capacity.ts";
import { closeCode } from "../protocol/close-code.ts";
import { isSocketPath } from "../http/api.ts";
import { parseBase } from "../http/path.ts";
import type { Peer } from "../access/peer.ts";
import { problem } from "../protocol/problem.ts";
import { guard } from "./guard.ts";
import { polledSocket } from "./polled-socket.ts";
import { frameOf, idleSeconds, webSocket, type WebSocketLike } from "./web-socket.ts";

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
  /** The path under which the chat is mounted, such as `/chat`: the socket is at `/chat/ws`. Default: the chat's, or any prefix. */
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
export function deno(chat: Served, { base = chat.base, fetch = chat.fetch }: DenoOptions = {}) {
  const mount = base === undefined ? undefined : parseBase(base);
  // Deno cannot drop a socket: one whose peer never answers the closing handshake stays, and counts until it goes.
  const room = createCapacity(chat.limits);

  async function answer(request: Request, { remoteAddr }: Info): Promise<Response> {
    const peer = { address: remoteAddr?.hostname };
    if (request.headers.get("upgrade") === null || !isSocketPath(request.url, mount)) return await fetch(request, peer);
    const admission = await chat.admit(request, peer);
    if (admission instanceof Response) return admission;
    if (!room.has(admission)) return problem("too_many_connections", "The limit of open connections is reached");
    return accept(request, admission);
  }

  function accept(request: Request, admission: Admission): Response {
    const protocol = admission.headers["Sec-WebSocket-Protocol"];
    const options = { idleTimeout: idleSeconds(chat.limits), ...(protocol && { protocol }) };
    const upgrade = upgradeOf();
    let upgraded: ReturnType<Upgrade>;
    try {
      upgraded = upgrade(request, options);
    } catch {
      return problem("upgrade_required", "The request could not be upgraded to a WebSocket");
    }
    const { socket, response } = upgraded;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      try {
        open(socket, admission);
      } catch {
        socket.close(closeCode.storeFailed, "the chat is not there");
      }
    };
    return response;
  }

  function open(ws: ServedSocket, admission: Admission): void {
    room.enter(admission);
    // Before anything that may fail.
    ws.onclose = () => room.leave(admission);
    const socket = polledSocket(webSocket(ws), () => events.drain());
    const events = guard(chat.connect(socket, admission), socket);
    ws.onmessage = ({ data }) => {
      const frame = frameOf(data, chat.limits);
      if (frame === null) ws.close(closeCode.tooBig, "the frame is over the limit");
      else events.receive(frame);
    };
    ws.onclose = ({ code }) => {
      room.leave(admission);
      events.closed(code);
    };
    ws.onerror = () => events.closed(1006);
  }

  return async (request: Request, info: Info = {}): Promise<Response> => {
    try {
      return await answer(request, info);
    } catch {
      return problem("internal", "The request could not be answered");
    }
  };
}

function upgradeOf(): Upgrade {
  const { Deno } = globalThis as unknown as { readonly Deno?: { readonly upgradeWebSocket: Upgrade } };
  if (!Deno) throw new TypeError("tidings/deno runs on Deno alone");
  return Deno.upgradeWebSocket;
}
