import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** What goes wrong with a request, which may be right in itself. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Never answered. */
  | "hang"
  /** Taken, and the connection is closed in place of an answer. */
  | "lost";

export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

export type Answered = { readonly status: number; readonly body?: string };

/** A server on 127.0.0.1 whose next answers may be faults. */
export type FakeServer = {
  readonly url: string;
  /** How many connections there ever were. */
  readonly connections: () => number;
  /** What becomes of the next requests, one each. */
  readonly fail: (...faults: readonly Fault[]) => void;
  readonly dispose: () => Promise<void>;
};

/** `take` is asked about every request but those that a fault with a status answers: such were refused before they were read. */
export async function serveFake(take: (asked: Asked) => Answered): Promise<FakeServer> {
  const faults: Fault[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const fault = faults.shift();
    void bodyOf(request).then((body) => {
      if (typeof fault === "object") {
        response.writeHead(fault.status, fault.headers).end(fault.body);
        return;
      }
      if (fault === "hang") return;
      const { method = "", url = "", headers } = request;
      const answer = take({ method, path: url, headers, body });
      if (fault === "lost") response.destroy();
      else response.writeHead(answer.status).end(answer.body);
    });
  });
  server.on("connection", () => void connections++);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    fail: (...more) => void faults.push(...more),
    dispose: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
