import { createConnection, createServer, type Socket } from "node:net";

/** What a wire can do to one direction: `up` is from the browser to the server. */
export type Direction = "up" | "down";

/** The wire between a browser and a server: a TCP proxy on 127.0.0.1 that can be cut, and stopped in one direction. */
export type Wire = {
  readonly port: number;
  /** Breaks open connections, and refuses new ones, until it is mended. */
  cut(): void;
  /** Keeps what comes from this side of the open sockets, until the wire is mended. What it keeps is lost with its connection. */
  keep(direction: Direction): void;
  /** The bytes that it keeps. */
  keptBytes(): number;
  mend(): void;
  /** Carries nothing more on the connections that are open now, and says nothing of it; later ones are whole. */
  lose(): void;
  /** Refuses every WebSocket handshake with 403, and ends those that are open. */
  blockSockets(): void;
  /** Names of the steps at which a page stands still: its requests for `/hold?at=NAME` get no answer. */
  readonly held: readonly string[];
  /** What browsers have reported against the policy of the page. */
  readonly violations: readonly string[];
  stop(): void;
};

const policy = /^(content-security-policy: [^\r\n]*)/im;
const forbidden = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/** Opens a wire to a port of this machine. The policy of its pages gets an address for reports, and is otherwise unchanged. */
export async function openWire(targetPort: number): Promise<Wire> {
  const pairs = new Map<Socket, Socket>();
  const sockets = new Set<Socket>();
  const lost = new WeakSet<Socket>();
  const held: string[] = [];
  const violations: string[] = [];
  let state: "whole" | "cut" | Direction = "whole";
  let areSocketsBlocked = false;
  let keptBytes = 0;
  let kept: (() => void)[] = [];

  function breakAll(ones: Iterable<Socket>): void {
    for (const near of [...ones]) {
      pairs.get(near)?.destroy();
      near.destroy();
    }
  }

  /** True: the request was for the wire itself, or must not go on. */
  function answerItself(near: Socket, text: string): boolean {
    const [, at] = /^GET \/hold\?at=(\S*)/.exec(text) ?? [];
    if (at !== undefined) return held.push(decodeURIComponent(at)) > 0;
    if (text.startsWith("POST /violation")) {
      violations.push(text.slice(text.indexOf("\r\n\r\n") + 4));
      return near.write("HTTP/1.1 204 No Content\r\n\r\n") || true;
    }
    if (!/^upgrade: websocket/im.test(text)) return false;
    sockets.add(near);
    return areSocketsBlocked && (near.end(forbidden), true);
  }

  function carry(direction: Direction, { near, far }: { readonly near: Socket; readonly far: Socket }): void {
    const [from, to] = direction === "up" ? [near, far] : [far, near];
    from.on("data", (bytes: Buffer) => {
      if (lost.has(near)) return;
      if (direction === "up" && answerItself(near, bytes.toString("latin1"))) return;
      const pass = (): void => {
        if (to.destroyed) return;
        const head = direction === "down" && bytes.subarray(0, 5).toString("latin1") === "HTTP/";
        const text = head ? bytes.toString("latin1") : "";
        const reporting = policy.test(text) ? text.replace(policy, "$1; report-uri /violation") : null;
        to.write(reporting === null ? bytes : Buffer.from(reporting, "latin1"));
      };
      if (state !== direction || !sockets.has(near)) return pass();
      keptBytes += bytes.length;
      kept.push(pass);
    });
    from.on("end", () => to.end());
    from.on("close", () => to.destroy());
    from.on("error", () => to.destroy());
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    near.on("error", () => {});
    if (state === "cut") return void near.destroy();
    const far = createConnection({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    for (const socket of [near, far]) socket.setNoDelay(true);
    pairs.set(near, far);
    near.on("close", () => {
      pairs.delete(near);
      sockets.delete(near);
    });
    carry("up", { near, far });
    carry("down", { near, far });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The wire has no port");

  return {
    port: address.port,
    held,
    violations,
    cut() {
      state = "cut";
      breakAll(pairs.keys());
    },
    keep(direction) {
      state = direction;
    },
    keptBytes: () => keptBytes,
    mend() {
      state = "whole";
      areSocketsBlocked = false;
      keptBytes = 0;
      for (const pass of kept.splice(0)) pass();
    },
    lose() {
      for (const near of pairs.keys()) lost.add(near);
    },
    blockSockets() {
      areSocketsBlocked = true;
      breakAll(sockets);
    },
    stop() {
      state = "cut";
      kept = [];
      breakAll(pairs.keys());
      server.close();
    },
  };
}
