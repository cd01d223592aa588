/** Connects again and again, with many sockets at once: `flood-process.ts PORT MILLISECONDS`. */
import { connect } from "node:net";
import { deadline } from "../support/deadline.ts";

const callers = 64;
const [port = 0, ms = 0] = process.argv.slice(2).map(Number);

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

const end = performance.now() + ms;

/** Connects, says all at once, is closed, connects again. */
async function callAgainAndAgain(): Promise<void> {
  while (performance.now() < end) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("data", () => {});
    const timer = setTimeout(() => socket.destroy(), deadline.answerMs);
    socket.write(opening);
    await new Promise<void>((resolve) => void socket.on("close", () => resolve()));
    clearTimeout(timer);
  }
}

await Promise.all(Array.from({ length: callers }, callAgainAndAgain));
