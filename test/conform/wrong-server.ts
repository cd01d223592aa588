import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Change, Frame } from "../../src/conform/frames.ts";
import { passedHeaders } from "../../src/conform/wire/passed-headers.ts";
import { acceptOf, upgrade } from "../../src/conform/wire/upgrade.ts";
import { createWebSocketEnd, type Closed, type WebSocketEnd } from "../../src/conform/wire/web-socket.ts";

export type Sent = { readonly type: string; readonly [field: string]: unknown };
/** One connection, for faults that have a memory. */
export type Memory = { readonly query: URLSearchParams; user: string; count: number; held: object | null };
/** A body, as if all of its fields were lists: those that a fault changes are. */
export type Lists = Readonly<Record<string, readonly unknown[]>>;
export type Answered = {
  readonly status: number;
  readonly body: Lists | null;
  readonly headers: Record<string, string>;
};
export type Asked = { readonly method: string; readonly url: URL; readonly headers: Record<string, string> };

/** What a wrong server does in place of a right one. */
export type Wrong = {
  readonly frame?: (frame: Frame, memory: Memory) => readonly object[];
  readonly change?: (change: Change, memory: Memory) => readonly object[];
  readonly sent?: (frame: Sent) => readonly object[];
  readonly closed?: (closed: Closed) => Closed;
  /** Changes a request or an upgrade before the right server gets it. */
  readonly asked?: (asked: Asked) => void;
  readonly answered?: (answered: Answered, asked: Asked) => Answered;
  readonly echoesProtocol?: false;
  /** Changes the bytes of a frame to the client. */
  readonly written?: (frame: Buffer) => Buffer;
};

/** Stands before a right server, and does it wrong. */
export async function startWrongServer(
  upstream: string,
  wrong: Wrong,
): Promise<{ readonly url: string; close(): void }> {
  const ends = new Set<WebSocketEnd>();
  const passed = ["authorization", "tidings-user", "origin", "content-type", "sec-websocket-protocol"];
  const readAsked = (method: string, path: string, headers: NodeJS.Dict<string | string[]>): Asked => {
    const asked: Asked = { method, url: new URL(upstream + path), headers: {} };
    for (const name of passed) if (typeof headers[name] === "string") asked.headers[name] = headers[name];
    wrong.asked?.(asked);
    return asked;
  };

  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => void answer());
    const answer = async (): Promise<void> => {
      const asked = readAsked(request.method ?? "", request.url ?? "/", request.headers);
      const text = Buffer.concat(parts).toString();
      const found = await fetch(asked.url, {
        ...{ method: asked.method, headers: asked.headers, ...(text !== "" && { body: text }) },
      });
      const body = await found.text();
      const right: Answered = {
        status: found.status,
        body: body.startsWith("{") ? JSON.parse(body) : null,
        headers: Object.fromEntries(passedHeaders(found.headers)),
      };
      const answered = wrong.answered?.(right, asked) ?? right;
      response.writeHead(answered.status, answered.headers);
      response.end(answered.body === null ? "" : JSON.stringify(answered.body));
    };
  });

  server.on("upgrade", (request, stream, head) => void open(request, stream, head));

  async function open(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    stream.on("error", () => stream.destroy());
    const asked = readAsked("GET", request.url ?? "/", request.headers);
    const answer = await upgrade(asked.url, asked.headers).catch(() => null);
    if (answer === null) return void stream.destroy();
    if (answer.status !== 101) {
      const type = `content-type: ${answer.headers.get("content-type")}`;
      stream.end(
        `HTTP/1.1 ${answer.status} No\r\n${type}\r\ncontent-length: ${answer.body.length}\r\n\r\n${answer.body}`,
      );
      return;
    }
    const protocol = wrong.echoesProtocol === false ? undefined : answer.headers.get("sec-websocket-protocol");
    const key = acceptOf(request.headers["sec-websocket-key"] ?? "");
    const echo = protocol === undefined ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
    const lines = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n${echo}`;
    stream.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    const { written } = wrong;
    if (written !== undefined) {
      const write = stream.write.bind(stream);
      stream.write = ((frame: Buffer) => write(written(frame))) as typeof stream.write;
    }
    const memory: Memory = { query: asked.url.searchParams, user: "", count: 0, held: null };
    const client = createWebSocketEnd(stream, {
      ...{ role: "server", head },
      onText(text) {
        const frame = parse(text);
        const frames = frame === null ? null : wrong.sent?.(frame);
        if (frames === null || frames === undefined) right.sendText(text);
        else for (const one of frames) right.sendText(JSON.stringify(one));
      },
      // The server answers a binary frame as any that is not JSON, and other faults by closing.
      onFault: (fault) => (fault.includes("binary") ? right.sendText("binary") : right.cut()),
      onClose: () => right.cut(),
    });
    const right = createWebSocketEnd(answer.stream, {
      ...{ role: "client", head: answer.head },
      onText(text) {
        const frame = JSON.parse(text) as Frame;
        if (frame.type === "welcome") memory.user = frame.user ?? "";
        for (const one of alter(frame, memory)) client.sendText(JSON.stringify(one));
      },
      onFault: () => client.cut(),
      onClose(closed) {
        const { code, reason } = wrong.closed?.(closed) ?? closed;
        if (code === 1006) client.cut();
        else client.close(code, reason);
      },
    });
    ends.add(client);
  }

  function alter(frame: Frame, memory: Memory): readonly object[] {
    const { change } = wrong;
    const { changes } = frame;
    if (change === undefined || changes === undefined) return wrong.frame?.(frame, memory) ?? [frame];
    return [{ ...frame, changes: changes.flatMap((one) => change(one, memory)) }];
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      for (const end of ends) end.cut();
      server.close();
      server.closeAllConnections();
    },
  };
}

function parse(text: string): Sent | null {
  try {
    return JSON.parse(text) as Sent;
  } catch {
    return null;
  }
}
