import type { Admission } from "../access/admission.ts";
import { tooManyConnections } from "../access/admit.ts";
import { createCapacity } from "../access/capacity.ts";
import { guard } from "./guard.ts";
import { polledSocket } from "./polled-socket.ts";
import { failed, type MountOptions, notUpgraded, type Served, socketMatcher } from "./upgrade.ts";
import { closeUnserved, createReceive, idleSeconds, webSocket, type WebSocketLike } from "./web-socket.ts";

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

export type DenoOptions = MountOptions;

/** The second argument of a handler of `Deno.serve`. */
type Info = { readonly remoteAddr?: { readonly hostname?: string } };

/**
 * The handler with which `Deno.serve` serves a chat.
 *
 * @example
 * Deno.serve({ port: 6662 }, deno(chat));
 */
export function deno(chat: Served, { base = chat.base, fetch = chat.fetch }: DenoOptions = {}) {
  const isForSocket = socketMatcher(base);
  const receive = createReceive(chat.limits);
  // Deno cannot drop a socket: without the peer's closing handshake it stays open, and counts until it is gone.
  const capacity = createCapacity(chat.limits);

  async function answer(request: Request, { remoteAddr }: Info): Promise<Response> {
    const peer = { address: remoteAddr?.hostname };
    if (request.headers.get("upgrade") === null || !isForSocket(request)) return await fetch(request, peer);
    const admission = await chat.admit(request, peer);
    if (admission instanceof Response) return admission;
    if (!capacity.has(admission)) return tooManyConnections();
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
      return notUpgraded();
    }
    const { socket, response } = upgraded;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      try {
        open(socket, admission);
      } catch {
        closeUnserved(socket);
      }
    };
    return response;
  }

  function open(ws: ServedSocket, admission: Admission): void {
    capacity.enter(admission);
    // First: `connect` may throw.
    ws.onclose = () => capacity.leave(admission);
    const socket = polledSocket(webSocket(ws), () => events.drain());
    const events = guard(chat.connect(socket, admission), socket);
    ws.onmessage = ({ data }) => receive(ws, data, events);
    ws.onclose = ({ code }) => {
      capacity.leave(admission);
      events.closed(code);
    };
    ws.onerror = () => events.closed(1006);
  }

  return async (request: Request, info: Info = {}): Promise<Response> => {
    try {
      return await answer(request, info);
    } catch {
      return failed();
    }
  };
}

function upgradeOf(): Upgrade {
  const { Deno } = globalThis as unknown as { readonly Deno?: { readonly upgradeWebSocket: Upgrade } };
  if (!Deno) throw new TypeError("tidings/deno runs on Deno alone");
  return Deno.upgradeWebSocket;
}
