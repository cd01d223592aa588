import { once } from "node:events";
import { createServer } from "node:http";
import { node } from "../adapter/node.ts";
import type { Listen } from "./listener.ts";

/**
 * As on Bun, a connection ends after ten to fifteen seconds if its request does not arrive or is not complete, or if its answer is not
 * read. A WebSocket has the deadlines of the core instead.
 */
const httpIdleMs = 10_000;
const httpCheckMs = 2_500;
/** The time that a connection is kept open between two requests. */
const keepAliveMs = 75_000;

/** Listens through `node:http`, with ws for the sockets. */
export const listenOnNode: Listen = async (chat, { port, hostname, fetch }) => {
  const { request, upgrade } = node(chat, { fetch });
  const server = createServer(
    { headersTimeout: httpIdleMs, requestTimeout: httpIdleMs, connectionsCheckingInterval: httpCheckMs },
    request,
  );
  server.timeout = httpIdleMs;
  // Longer than proxies keep theirs (nginx and most balancers 60 s): otherwise a proxy sends a request into a connection that is being closed.
  server.keepAliveTimeout = keepAliveMs;
  server.on("upgrade", upgrade);
  server.listen(port, hostname);
  // Rejects with an error of the server, such as EADDRINUSE.
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
