import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { type WebSocket, WebSocketServer } from "ws";
import type { Admission } from "../access/admission.ts";
import type { Peer } from "../access/peer.ts";
import { problem } from "../protocol/problem.ts";
import { guard } from "./guard.ts";
import { answerOn, isBodyLost, keepParsedBody, offerOnly, readBefore, upgradeRequest } from "./node-request.ts";
import { failed, type MountOptions, notUpgraded, type Served, socketMatcher } from "./upgrade.ts";
import { listenToWs, wsOptions, WsSocket } from "./ws-socket.ts";

export type NodeOptions = MountOptions;

/**
 * The listeners of a server of `node:http` (or `node:https`) that serve a chat, under the names of their events.
 *
 * `request` is for hosts without a listener of their own; `upgrade` answers every upgrade: a host with other sockets must
 * call it for those of the chat only.
 *
 * @example
 * const { request, upgrade } = node(chat);
 * createServer(request).on("upgrade", upgrade).listen(6662);
 */
export function node(chat: Served, { base = chat.base, fetch = chat.fetch }: NodeOptions = {}) {
  const isForSocket = socketMatcher(base);
  const upgrader = new WebSocketServer(wsOptions(chat.limits));
  // ws refuses the handshake: no key, another version.
  upgrader.on("wsClientError", (_error, stream) => {
    void answerOn(stream, notUpgraded());
  });

  async function accept(incoming: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    // Without a listener, a peer that resets the connection ends the process.
    stream.on("error", ignore);
    try {
      const request = upgradeRequest(incoming);
      if (request === null) return await answerOn(stream, problem("bad_request", "The request is malformed"));
      const admission = isForSocket(request)
        ? await chat.admit(request, peerOf(incoming))
        : await fetch(request, peerOf(incoming));
      if (admission instanceof Response) return await answerOn(stream, admission);
      offerOnly(incoming, admission);
      upgrader.handleUpgrade(incoming, stream, head, (ws) => open(ws, stream, admission));
    } catch {
      await answerOn(stream, failed());
    }
  }

  function open(ws: WebSocket, stream: Duplex, admission: Admission): void {
    // First, for `connect` may throw: an error event without a listener ends the process.
    ws.on("error", ignore);
    const socket = new WsSocket(ws, stream);
    const events = guard(chat.connect(socket, admission), socket);
    ws.on("message", (data: Buffer, isBinary) => events.receive(isBinary ? data : data.toString()));
    // ws itself closes a socket that breaks the rules, such as with 1009: the core ends it now, without the peer's closing handshake.
    ws.on("error", () => events.closed(1006));
    ws.on("close", (code) => events.closed(code));
    listenToWs({ ws, stream }, events);
  }

  const answer = getRequestListener(
    async (request, env) => {
      if (!("incoming" in env)) return await fetch(request, {});
      return await fetch(isBodyLost(env.incoming) ? await readBefore(request) : request, peerOf(env.incoming));
    },
    {
      overrideGlobalObjects: false,
      errorHandler: () => failed(),
      // HTTP/1.0 needs no Host: an invalid one then, and not this machine's.
      hostname: "host.invalid",
    },
  );

  return {
    request(incoming: IncomingMessage, outgoing: ServerResponse): void {
      keepParsedBody(incoming);
      answer(incoming, outgoing).catch(() => outgoing.destroy());
    },
    upgrade(incoming: IncomingMessage, stream: Duplex, head: Buffer): void {
      accept(incoming, stream, head).catch(() => stream.destroy());
    },
  };
}

const peerOf = ({ socket }: Pick<IncomingMessage, "socket">): Peer => ({ address: socket.remoteAddress });

const ignore = (): void => {};
