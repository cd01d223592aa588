import { connect as connectTcp } from "node:net";
import { afterEach, describe, expect, test } from "bun:test";
import { endClients, join } from "../support/client.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const callers = 64;
const floodMs = 1_000;
/** Most pongs come within a turn or two; a machine with other work to do may hold up one or another. */
const usualPongMsMax = 100;

let server: RunningServer | null = null;
afterEach(async () => {
  endClients();
  await server?.dispose();
});

/** All that one connection has to say, in one packet: the handshake, and a close frame behind it. */
const opening = Buffer.concat([
  Buffer.from(
    [
      ...["GET /ws?user=mallory HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"],
      ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "\r\n"],
    ].join("\r\n"),
  ),
  Buffer.from([0x88, 0x82, 0, 0, 0, 0, 3, 232]),
]);

/** Connects, says all at once, is closed, connects again. */
async function callAgainAndAgain(port: number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("data", () => {});
    const timer = setTimeout(() => socket.destroy(), floodMs);
    socket.write(opening);
    await new Promise<void>((resolve) => void socket.on("close", () => resolve()));
    clearTimeout(timer);
  }
}

describe("Bun's adapter", () => {
  // Bun accepts connections, and answers what they have sent already, for as long as new ones come.
  test("R1 those who keep connecting keep nobody waiting who is connected", async () => {
    server = await startServer();
    const alice = await join(server.url, { user: "alice" });
    const end = performance.now() + floodMs;
    const { port } = server;
    const flood = Array.from({ length: callers }, () => callAgainAndAgain(port, () => performance.now() > end));
    const pongsMs: number[] = [];
    while (performance.now() < end) {
      const begun = performance.now();
      await alice.settle();
      pongsMs.push(performance.now() - begun);
      await Bun.sleep(5);
    }
    await Promise.all(flood);
    pongsMs.sort((a, b) => a - b);
    expect(pongsMs[Math.floor(0.9 * pongsMs.length)]).toBeLessThan(usualPongMsMax);
  });
});
