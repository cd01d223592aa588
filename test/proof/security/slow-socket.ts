import { connect, type Socket } from "node:net";
import { connectRaw } from "../../support/client.ts";
import type { RunningServer } from "../../support/server.ts";

/** The server closes such a socket after ten seconds, and the runtime's timers look every four. The rest is for busy machines. */
export const slowSocketMsMax = 90_000;

const head = "POST /messages HTTP/1.1\r\nHost: 127.0.0.1\r\n";

/** Ways to begin a request and never end it: the first bytes, and the ones that drip after them. */
const ways: Readonly<Record<string, readonly [string, string]>> = {
  "says nothing": ["", ""],
  "stops in the first line": ["GET /ws HT", ""],
  "stops in a header": [`${head}X-A: `, ""],
  "drips a header": [`${head}X-A: `, "a"],
  "drips headers": [head, "X-A: b\r\n"],
  "stops before the body": [`${head}Content-Length: 1000\r\n\r\n`, ""],
  "drips the body": [`${head}Content-Length: 1000\r\n\r\n`, "a"],
  "drips chunks": [`${head}Transfer-Encoding: chunked\r\n\r\n`, "1\r\na\r\n"],
};

export type SlowSocket = {
  readonly name: string;
  readonly socket: Socket;
  closedAfterMs(): number | null;
  end(): void;
};

function openSlowSocket(port: number, name: string, [first, drip]: readonly [string, string]): SlowSocket {
  const start = performance.now();
  let closed: number | null = null;
  const socket = connect({ port, host: "127.0.0.1" });
  const timer = drip === "" ? null : setInterval(() => socket.write(drip), 500);
  const end = (): void => {
    if (timer !== null) clearInterval(timer);
    socket.destroy();
  };
  socket.on("error", () => {});
  // Without a reader the end of the stream would never be noticed.
  socket.on("data", () => {});
  socket.on("close", () => {
    closed ??= performance.now() - start;
    end();
  });
  if (first !== "") socket.write(first);
  return { name, socket, closedAfterMs: () => closed, end };
}

/** One socket of each way. */
export const openSlowSockets = (server: RunningServer): readonly SlowSocket[] =>
  Object.entries(ways).map(([name, way]) => openSlowSocket(server.port, name, way));

/** Waits until all are closed, or until the deadline; returns the open ones. */
export async function stillOpen(sockets: readonly SlowSocket[], end: number): Promise<readonly string[]> {
  const open = (): readonly SlowSocket[] => sockets.filter((one) => one.closedAfterMs() === null);
  while (open().length > 0 && performance.now() < end) await Bun.sleep(50);
  const names = open().map(({ name }) => name);
  for (const socket of sockets) socket.end();
  return names;
}

/** Opens `count` sockets that begin a request and do not end it, and waits until the server has them. */
export async function openCrowd(server: RunningServer, count: number): Promise<{ end(): void }> {
  const names = Object.entries(ways).slice(0, 3);
  const sockets = Array.from({ length: count }, (_, i) => {
    const [name, way] = names[i % names.length] ?? ["says nothing", ["", ""] as const];
    return openSlowSocket(server.port, name, way);
  });
  await Promise.all(
    sockets.map(({ socket }) =>
      socket.readyState === "open"
        ? undefined
        : new Promise<void>((resolve) => socket.once("connect", () => resolve())),
    ),
  );
  return { end: () => sockets.forEach((one) => one.end()) };
}

/** Among sockets that never finish a request a login may take this many times as long as without them. */
export const loginTimesMax = 10;

/** The duration of `count` logins, one after the other, each to its `welcome`; the median, in milliseconds. */
export async function loginMs(server: RunningServer, count: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const client = await connectRaw(server.port, `/ws?user=legit${i}`);
    while (client.frames.length === 0 && !client.isGone()) await Bun.sleep(1);
    times.push(client.isGone() ? Number.POSITIVE_INFINITY : performance.now() - start);
    client.end();
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1] ?? Number.POSITIVE_INFINITY;
}
