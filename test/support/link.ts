import { createConnection, createServer, type Socket } from "node:net";

/** The wire between a node and a server: a TCP proxy on 127.0.0.1. */
export type Link = {
  readonly port: number;
  /** Breaks open connections, and refuses new ones, until it is mended. */
  cut(): void;
  /** Carries nothing, and breaks nothing: everything sent arrives once it is mended. */
  stall(): void;
  /** Carries nothing, unnoticed: open connections stay black holes after it is mended, as when a firewall has forgotten them. */
  lose(): void;
  /** Carries everything this many milliseconds later, in both directions, until it is mended. */
  delay(ms: number): void;
  mend(): void;
  stop(): void;
};

/** Opens a link to a port of this machine. */
export async function startLink(targetPort: number): Promise<Link> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const lost = new Set<Socket>();
  let state: "whole" | "cut" | "stalled" | "losing" = "whole";
  let delayMs = 0;

  function breakAll(): void {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  }

  /** One direction: in order, each piece `delayMs` after it came. */
  function carry(from: Socket, to: Socket): void {
    let dueAt = 0;
    const later = (act: () => void): void => {
      const now = performance.now();
      dueAt = Math.max(dueAt, now + delayMs);
      if (dueAt <= now) act();
      else setTimeout(act, dueAt - now);
    };
    const pass = (act: () => void): void => later(() => (lost.has(from) || to.destroyed ? undefined : act()));
    from.on("data", (bytes: Buffer) => pass(() => void to.write(bytes)));
    from.on("end", () => pass(() => to.end()));
    from.on("error", () => pass(() => to.destroy()));
    from.on("close", () => pass(() => to.destroy()));
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    near.on("error", () => {});
    if (state === "cut") return void near.destroy();
    const far = createConnection({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    far.on("error", () => near.destroy());
    for (const socket of [near, far]) socket.setNoDelay(true);
    const pair = [near, far] as const;
    pairs.add(pair);
    near.on("close", () => {
      pairs.delete(pair);
      for (const socket of pair) lost.delete(socket);
      far.destroy();
    });
    carry(near, far);
    carry(far, near);
    if (state === "losing") for (const socket of pair) lost.add(socket);
    if (state === "stalled") for (const socket of pair) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The link has no port");

  return {
    port: address.port,
    cut() {
      state = "cut";
      breakAll();
    },
    stall() {
      state = "stalled";
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    lose() {
      state = "losing";
      for (const pair of pairs) for (const socket of pair) lost.add(socket);
    },
    delay(ms) {
      delayMs = ms;
    },
    mend() {
      state = "whole";
      delayMs = 0;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    stop() {
      state = "cut";
      breakAll();
      server.close();
    },
  };
}
