import { once } from "node:events";
import { createServer } from "node:http";
import { node } from "../adapter/node.ts";
import type { Listen } from "./listener.ts";

/**
 * As on Bun, a request that does not come, or does not come to its end, ends its connection after ten to fifteen seconds; so, in the
 * end, does one whose answer nobody reads. Once a socket is a WebSocket, its deadlines are the core's.
 */
const httpIdleMs = 10_000;
const httpCheckMs = 2_500;
/** Between two requests, a connection is kept for so long. */
const keepAliveMs = 75_000;

/** Listens through `node:http`, with ws for the sockets. */
export const listenOnNode: Listen = async (chat, { port, hostname, fetch }) => {
  const { request, upgrade } = node(chat, { fetch });
  const server = createServer(
    { headersTimeout: httpIdleMs, requestTimeout: httpIdleMs, connectionsCheckingInterval: httpCheckMs },
    request,
  );
  server.timeout = httpIdleMs;
  // Longer than proxies keep theirs (nginx and most balancers 60 s): else one sends a request into a connection that is being closed.
  server.keepAliveTimeout = keepAliveMs;
  server.on("upgrade", upgrade);
  server.listen(port, hostname);
  // Rejects with the error that may come instead, such as EADDRINUSE.
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
