import { backoffMs } from "../internal/backoff.ts";
import { systemRandom } from "../internal/random.ts";
import type { ClientFrame, ServerFrame } from "../protocol/frame.ts";

export type LinkState =
  | { readonly kind: "connecting" }
  | { readonly kind: "online" }
  /** Tries again at `until`, in milliseconds of `performance.now()`. */
  | { readonly kind: "waiting"; readonly until: number }
  /** The server forbids a reconnect. */
  | { readonly kind: "closed"; readonly reason: string };

export type LinkOptions = {
  /** Called before every attempt, because the cursor moves on. */
  readonly url: () => string;
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onLink: (state: LinkState) => void;
};

export type Link = ReturnType<typeof createLink>;

const backoffMinMs = 400;
const backoffMaxMs = 15_000;
/** A connection that held this long starts the backoff anew. */
const settledMs = 10_000;
const welcomeWaitMs = 10_000;

/** A connection that reconnects by itself: backoff with jitter, its own heartbeat, and the close codes decide whether to reconnect. */
export function createLink({ url, onFrame, onLink }: LinkOptions) {
  let socket: WebSocket | null = null;
  let state: LinkState = { kind: "connecting" };
  let tries = 0;
  let onlineSince = 0;
  let lastHeard = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let beat: ReturnType<typeof setTimeout> | undefined;

  function enter(next: LinkState): void {
    state = next;
    onLink(state);
  }

  function connect(): void {
    clearTimeout(retry);
    enter({ kind: "connecting" });
    const ws = new WebSocket(url(), "tidings.v1");
    socket = ws;
    ws.onmessage = ({ data }) => {
      if (ws === socket) receive(data);
    };
    ws.onclose = ({ code, reason }) => {
      if (ws === socket) lost(code, reason);
    };
    beat = setTimeout(drop, welcomeWaitMs);
  }

  function receive(data: unknown): void {
    lastHeard = performance.now();
    const frame = JSON.parse(String(data)) as ServerFrame;
    if (frame.type === "welcome") {
      onlineSince = lastHeard;
      watch(frame.heartbeatMs);
      enter({ kind: "online" });
    }
    onFrame(frame);
  }

  /** Browsers hide the server's pings, so only the page's own pings find a dead network. */
  function watch(heartbeatMs: number): void {
    clearTimeout(beat);
    beat = setTimeout(() => {
      if (performance.now() - lastHeard > 2 * heartbeatMs) return drop();
      send({ type: "ping" });
      watch(heartbeatMs);
    }, heartbeatMs);
  }

  /** Gives a silent connection up at once: its closing handshake would wait for the dead network. */
  function drop(): void {
    const silent = socket;
    lost(1006, "");
    silent?.close();
  }

  function lost(code: number, reason: string): void {
    socket = null;
    clearTimeout(beat);
    if (code >= 4500 && code <= 4999) return enter({ kind: "closed", reason: reason || `code ${code}` });
    if (state.kind === "online" && performance.now() - onlineSince > settledMs) tries = 0;
    const delayMs = backoffMs(systemRandom, { attempt: tries++, minMs: backoffMinMs, maxMs: backoffMaxMs });
    retry = setTimeout(connect, delayMs);
    enter({ kind: "waiting", until: performance.now() + delayMs });
  }

  function send(frame: ClientFrame): boolean {
    if (state.kind !== "online" || socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  return {
    connect,
    /** Sends now, or returns false: nothing is queued here. */
    send,
    /** Reconnects now, without waiting any longer. */
    hurry(): void {
      if (state.kind === "waiting") connect();
    },
    /** Ends the connection for good. */
    close(): void {
      const open = socket;
      socket = null;
      clearTimeout(beat);
      clearTimeout(retry);
      open?.close(1000);
    },
  };
}
