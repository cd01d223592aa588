import type { Socket, SocketEvents } from "../../../src/connection/socket.ts";
import type { ServerFrame } from "../../../src/protocol/frame.ts";
import type { Timeline } from "../sim/timeline.ts";

export type WireOptions = {
  readonly receive: (frame: ServerFrame) => void;
  readonly closed: (code: number) => void;
  /** The server has sent a frame; the client will receive it later, or never. */
  readonly sent: (frame: ServerFrame) => void;
};

const wayMs = 1;

/** One connection in virtual time that keeps its order: frames sent before a close arrive before it. */
export function createWire(timeline: Timeline, { receive, closed, sent }: WireOptions) {
  let events: SocketEvents | null = null;
  let state: "open" | "closed by the server" | "gone" = "open";
  let code = 1006;
  let isStalled = false;
  let isPaused = false;
  let isArriving = false;
  let down: string[] = [];
  let downBytes = 0;
  let up: string[] = [];

  function arrive(): void {
    if (isArriving) return;
    isArriving = true;
    void timeline.after(wayMs, () => {
      isArriving = false;
      if (isStalled || state === "gone") return;
      const frames = down;
      down = [];
      downBytes = 0;
      for (const frame of frames) if (!isGone()) receive(JSON.parse(frame) as ServerFrame);
      if (state === "open") events?.drain();
      if (down.length > 0) return arrive();
      if (state === "closed by the server") end();
    });
  }

  // The compiler cannot see that a receiver may cut the wire.
  const isGone = (): boolean => state === "gone";

  function end(): void {
    state = "gone";
    closed(code);
  }

  function transmit(): void {
    void timeline.after(wayMs, () => {
      while (state === "open" && !isPaused) {
        const frame = up.shift();
        if (frame === undefined) return;
        events?.receive(frame);
      }
    });
  }

  const socket: Socket = {
    send(frame) {
      if (state !== "open") return true;
      down.push(frame);
      downBytes += Buffer.byteLength(frame);
      sent(JSON.parse(frame) as ServerFrame);
      arrive();
      return true;
    },
    bufferedBytes: () => downBytes,
    ping: () => void timeline.after(wayMs, () => state === "open" && !isStalled && events?.pong()),
    pause: () => void (isPaused = true),
    resume() {
      isPaused = false;
      transmit();
    },
    close(closeCode) {
      if (state !== "open") return;
      state = "closed by the server";
      code = closeCode;
      const listener = events;
      queueMicrotask(() => listener?.closed(closeCode));
      arrive();
    },
    terminate() {
      if (state !== "open") return;
      state = "closed by the server";
      arrive();
    },
  };

  return {
    socket,
    attach: (attached: SocketEvents): void => void (events = attached),
    say(frame: object): void {
      if (state !== "open") return;
      up.push(JSON.stringify(frame));
      transmit();
    },
    stall: (): void => void (isStalled = true),
    read(): void {
      isStalled = false;
      arrive();
    },
    /** The client disappears: everything on its way is lost. */
    cut(): void {
      if (state === "gone") return;
      const listener = state === "open" ? events : null;
      up = [];
      code = 1006;
      end();
      queueMicrotask(() => listener?.closed(1006));
    },
    /** Whether the server still takes this for an open connection. */
    isOpen: (): boolean => state === "open",
  };
}

export type Wire = ReturnType<typeof createWire>;
