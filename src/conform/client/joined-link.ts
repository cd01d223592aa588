import type { Duplex } from "node:stream";
import type { Frame } from "../frames.ts";
import { encodeFrame, opcode } from "../wire/frame-codec.ts";
import { createWebSocketEnd, type WebSocketEnd } from "../wire/web-socket.ts";
import type { Faults } from "./faults.ts";
import type { ClientFrame, Event, Link } from "./link.ts";

export type Joined = {
  readonly at: number;
  readonly query: URLSearchParams;
  readonly stream: Duplex;
  readonly head: Buffer;
  readonly upstream: { readonly stream: Duplex; readonly head: Buffer };
  readonly faults: Faults;
};

/** Connects the two ends, with the faults between them. */
export function joinEnds({ at, query, stream, head, upstream, faults }: Joined): Link {
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
