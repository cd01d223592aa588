import type { Socket, SocketEvents } from "../../src/connection/socket.ts";
import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";

/** The server's end of a simulated connection. */
export type SimSocket = Socket & { die(): void };

export type ClientEnd = {
  receive(frame: string): void;
  closed(code: number): void;
};

/**
 * One connection: frames arrive late but in order, until it breaks. What the client does not read stays in the
 * server's buffer.
 */
export function createLink(timeline: Timeline, chance: Chance, options: { linkMs: number; client: ClientEnd }) {
  const { linkMs, client } = options;
  let events: SocketEvents | null = null;
  let isOpen = true;
  let isStalled = false;
  let isPaused = false;
  let isDelivering = false;
  /** Server → client, not yet read by the client. */
  const down: string[] = [];
  let downBytes = 0;
  let bufferedMax = 0;
  /** Client → server, not yet read by the server; "pong" is the WebSocket frame. */
  const up: string[] = [];
  let isSending = false;

  const delay = (): number => chance.unit() * linkMs;

  function deliver(): void {
    if (isDelivering || isStalled || !isOpen || down.length === 0) return;
    isDelivering = true;
    void timeline.after(delay(), () => {
      isDelivering = false;
      if (!isOpen || isStalled) return;
      // What is on its way arrives together, as a kernel's buffer empties.
      for (let i = chance.between(1, 8); i > 0; i--) {
        const frame = down.shift();
        if (frame === undefined) break;
        downBytes -= frame.length;
        client.receive(frame);
        if (!isOpen) return;
      }
      events?.drain();
      deliver();
    });
  }

  function transmit(): void {
    if (isSending || isPaused || !isOpen || up.length === 0) return;
    isSending = true;
    void timeline.after(delay(), () => {
      isSending = false;
      for (let i = chance.between(1, 8); i > 0 && isOpen; i--) {
        const frame = up.shift();
        if (frame === undefined) break;
        if (frame === "pong") events?.pong();
        else events?.receive(frame);
      }
      transmit();
    });
  }

  function end(code: number, isHeardByServer: boolean): void {
    if (!isOpen) return;
    isOpen = false;
    const told = events;
    if (isHeardByServer) queueMicrotask(() => told?.closed(code));
    void timeline.after(delay(), () => client.closed(code));
  }

  const socket: SimSocket = {
    send(frame) {
      // A peer that is gone without a word still takes bytes into the kernel's buffer.
      down.push(frame);
      downBytes += frame.length;
      bufferedMax = Math.max(bufferedMax, downBytes);
      deliver();
      return true;
    },
    bufferedBytes: () => downBytes,
    ping() {
      if (!isOpen || isStalled) return;
      up.push("pong");
      transmit();
    },
    pause: () => void (isPaused = true),
    resume() {
      isPaused = false;
      transmit();
    },
    close: (code) => end(code, true),
    terminate: () => end(1006, false),
    die: () => {
      events = null;
      end(1006, false);
    },
  };

  return {
    socket,
    attach: (attached: SocketEvents): void => {
      events = attached;
    },
    say(frame: object): void {
      if (!isOpen) return;
      up.push(JSON.stringify(frame));
      transmit();
    },
    stall: (): void => void (isStalled = true),
    read(): void {
      isStalled = false;
      deliver();
    },
    /** Breaks; half-open: only the client knows. */
    cut: (isHalfOpen: boolean): void => end(1006, !isHalfOpen),
    isOpen: (): boolean => isOpen,
    bufferedMax: (): number => bufferedMax,
  };
}

export type Link = ReturnType<typeof createLink>;
