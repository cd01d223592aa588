import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";

/** A request as an endpoint got it. */
export type Asked = {
  readonly method: string;
  /** With the query, where there is one. */
  readonly path: string;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** The bytes as text; throws if they are none. */
  readonly body: string;
};

/** An answer, none at all, or the end of the connection without one. */
export type EndpointAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | "hang"
  | "lost";

export type Endpoint = {
  readonly url: string;
  /** The number of all connections. */
  connections(): number;
  close(): Promise<void>;
};

/** A real HTTP server on this machine. It is Node's, which can end a connection without an answer. */
export async function openEndpoint(
  answerTo: (asked: Asked) => EndpointAnswer | Promise<EndpointAnswer>,
): Promise<Endpoint> {
  const server = createServer((incoming, outgoing) => {
    const work = async (): Promise<void> => {
      const answer = await answerTo(await askedOf(incoming));
      if (answer === "hang") return;
      if (answer === "lost") return void incoming.socket.destroy();
      const isText = typeof answer.body === "string";
      outgoing.writeHead(answer.status, {
        "Content-Type": isText ? "text/html" : "application/json",
        ...answer.headers,
      });
      outgoing.end(answer.body === undefined ? "" : isText ? answer.body : JSON.stringify(answer.body));
    };
    work().catch((error: unknown) => {
      outgoing.writeHead(599);
      outgoing.end(String(error));
    });
  });
  let connections = 0;
  server.on("connection", () => void connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The endpoint has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    connections: () => connections,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function askedOf(incoming: IncomingMessage): Promise<Asked> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Uint8Array);
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  const bytes = Buffer.concat(chunks);
  return {
    method: incoming.method ?? "",
    path: incoming.url ?? "",
    headers,
    bytes,
    get body() {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    },
  };
}
