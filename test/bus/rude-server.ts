import { type AddressInfo, createServer, type Socket } from "node:net";
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";

const info = (more: object = {}): string =>
  `INFO ${JSON.stringify({ server_id: "rude", version: "2.9.10", proto: 1, headers: true, max_payload: 1_048_576, ...more })}\r\n`;

/** Greets, and once the client has asked for it with a PING lets it in. */
const welcome = (socket: Socket, then: () => void): void => {
  socket.write(info());
  socket.on("data", (bytes: Buffer) => {
    if (!bytes.includes("PING\r\n")) return;
    socket.write("PONG\r\n");
    setTimeout(then, 20);
  });
};

/** The ways in which a server may treat a client that connects. */
const manners: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.destroy(),
  (socket) => socket.end(),
  (socket) => socket.resetAndDestroy(),
  () => {},
  (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
  (socket) => socket.write("INFO"),
  (socket) => socket.write("INFO {\r\n"),
  (socket) => socket.write("INFO []\r\n"),
  (socket) => socket.end(info()),
  (socket) => socket.write(info()),
  (socket) => socket.write(info({ tls_required: true })),
  (socket) => socket.write(info({ proto: 0 })),
  (socket) => socket.end(`${info()}-ERR 'Authorization Violation'\r\n`),
  (socket) => welcome(socket, () => socket.destroy()),
  (socket) => welcome(socket, () => socket.resetAndDestroy()),
  (socket) => welcome(socket, () => socket.end("-ERR 'Slow Consumer'\r\n")),
  (socket) => welcome(socket, () => socket.end("-ERR 'Authorization Violation'\r\n")),
  (socket) => welcome(socket, () => socket.end("-ERR 'User Authentication Expired'\r\n")),
  (socket) => welcome(socket, () => socket.end("-ERR 'Maximum Connections Exceeded'\r\n")),
  (socket) => welcome(socket, () => void setTimeout(() => socket.destroy(), 20)),
  (socket) => welcome(socket, () => socket.end(info({ connect_urls: ["::::", "http://[", ""] }))),
  (socket) => welcome(socket, () => socket.end("MSG a 1 99999999999999\r\n")),
  (socket) => welcome(socket, () => socket.end("MSG tidings.news 1 5\r\n\xff\xfe\r\n\r\n")),
  (socket) => welcome(socket, () => socket.end("MSG tidings.news 77 2\r\nhi\r\nMSG tidings.news 1 2\r\nhi\r\n")),
];

/** A server that treats each client that connects in another way; `done` resolves once it has treated clients in every way twice. */
export async function startRude(port: number) {
  let served = 0;
  const sockets = new Set<Socket>();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    // Each is shown to the probe, and to the connection that follows it.
    manners[Math.floor(served / 2) % manners.length]?.(socket);
    // No client is held for longer than this.
    setTimeout(() => socket.destroy(), 150);
    if (++served > 2 * manners.length) resolve();
  });
  await new Promise<void>((listening) => void server.listen(port, "127.0.0.1", listening));
  return {
    done,
    async stop(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((closed) => void server.close(closed));
    },
  };
}

/** A server that lets one in, and then answers nothing until it goes on. */
export async function startHesitant() {
  let said = "";
  let isIn = false;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.write(info());
    socket.on("data", (bytes: Buffer) => {
      said += bytes.toString();
      if (isIn || !said.includes("PING\r\n")) return;
      isIn = true;
      socket.write("PONG\r\n");
    });
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The text that it received. */
    said: () => said,
    goOn(): void {
      for (const socket of sockets) if (!socket.destroyed) socket.write("PONG\r\n");
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => void server.close(closed));
    },
  };
}

/** A connection of the library as it comes, for controls. */
export const plainConnection = (
  servers: string | string[],
  options: NodeConnectionOptions = {},
): Promise<NatsConnection> => connect({ servers, reconnectTimeWait: 100, noEcho: true, ...options });
