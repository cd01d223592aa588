import { createServer, request as forwardTo } from "node:http";

/** The fault of one request on its way to the database server. */
export const mishaps = [
  "502 before",
  "502 after",
  "reset before",
  "reset after",
  "too late, never carried out",
  "too late, carried out",
  "carried out after the deadline",
] as const;

export type Mishap = (typeof mishaps)[number];

/** A proxy between the engine and a real server; request number `n` since `plan` was set may have a mishap. */
export async function startProxy(target: string, deadlineMs: number) {
  let requests = 0;
  let plan: (n: number) => Mishap | null = () => null;
  let happened = 0;
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const mishap = plan(++requests);
      if (mishap !== null) happened++;
      const pass = (then: (status: number, type: string, body: Buffer) => void): void => {
        const { method } = incoming;
        // The answer is passed on unchanged, so it must not come compressed.
        const headers = { ...incoming.headers, "accept-encoding": "identity" };
        const outgoing = forwardTo(new URL(incoming.url ?? "/", target), { method, headers }, (reply) => {
          const parts: Buffer[] = [];
          reply.on("data", (part: Buffer) => parts.push(part));
          reply.on("end", () =>
            then(reply.statusCode ?? 500, reply.headers["content-type"] ?? "text/plain", Buffer.concat(parts)),
          );
        });
        outgoing.on("error", () => incoming.socket.destroy());
        outgoing.end(Buffer.concat(chunks));
      };
      const badGateway = (): void => void answer.writeHead(502).end("bad gateway");
      switch (mishap) {
        case null:
          return pass((status, type, body) => answer.writeHead(status, { "content-type": type }).end(body));
        case "502 before":
          return badGateway();
        case "502 after":
          return pass(badGateway);
        case "reset before":
          return void incoming.socket.destroy();
        case "reset after":
          return pass(() => incoming.socket.destroy());
        case "too late, never carried out":
          return;
        case "too late, carried out":
          return pass(() => {});
        case "carried out after the deadline":
          return void setTimeout(() => pass(() => {}), deadlineMs + 20);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** The mishaps of the requests from now on, counted from 1. */
    plan(next: (n: number) => Mishap | null): void {
      requests = 0;
      plan = next;
    },
    happened: (): number => happened,
    stop(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}
