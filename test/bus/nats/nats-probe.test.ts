import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { probe } from "../../../src/bus/nats/nats-probe.ts";
import { deadline } from "../../support/deadline.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Why a server with this greeting is not used; null: it is. */
async function ask(
  greet: (socket: Socket) => void,
  options: { isGreeted?: boolean; timeoutMs?: number; signal?: AbortSignal } = {},
) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => (sockets.add(socket.on("error", () => {})), greet(socket)));
  servers.push(server);
  const { port } = await new Promise<{ port: number }>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(server.address() as { port: number })),
  );
  const { isGreeted = true, timeoutMs = deadline.answerMs, signal = new AbortController().signal } = options;
  const reason = await probe({ host: "127.0.0.1", port, isGreeted, timeoutMs, signal }).then(
    () => null,
    (error: Error) => error.message,
  );
  for (const socket of sockets) socket.destroy();
  return reason;
}

test("F8 a server that sends `INFO` is used, also where it comes in pieces", async () => {
  expect(await ask((socket) => socket.write("INFO {}\r\n"))).toBeNull();
  expect(await ask((socket) => (socket.write("IN"), setImmediate(() => socket.write("FO {}\r\n"))))).toBeNull();
  // One that begins with TLS sends nothing first.
  expect(await ask(() => {}, { isGreeted: false })).toBeNull();
});

test("F8 a server of another kind, one that closes, and one that says nothing are not", async () => {
  expect(await ask((socket) => socket.write("HTTP/1.1 400 Bad Request"))).toBe("The server is no NATS server");
  expect(await ask((socket) => socket.end())).toBe("The server closed the connection");
  expect(await ask(() => {}, { timeoutMs: 1 })).toBe("The server said nothing for 1 ms");
  const refused = await probe({
    host: "127.0.0.1",
    port: 9,
    isGreeted: true,
    timeoutMs: deadline.answerMs,
    signal: new AbortController().signal,
  }).catch((error: unknown) => (error instanceof Error ? "refused" : error));
  expect(refused).toBe("refused");
});

test("F8 a probe that is no longer needed ends at once", async () => {
  expect(await ask(() => {}, { signal: AbortSignal.abort() })).toBe("No longer needed");
  const ending = new AbortController();
  expect(await ask(() => ending.abort(), { signal: ending.signal })).toBe("No longer needed");
});
