import type { Chance } from "./chance.ts";
import type { SimProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** What the server's runtime is told, as Bun's WebSocket handlers are. */
export type ServerEnd = {
  receive(frame: string): void;
  drain(): void;
  pong(): void;
  closed(code: number): void;
};

export type ClientEnd = {
  receive(frame: string): void;
  /** A ping came: the runtime answers it, and the client knows that somebody is there. */
  pinged(): void;
  closed(code: number): void;
};

export type LinkOptions = {
  readonly timeline: Timeline;
  readonly chance: Chance;
  /** The server's process: while it is paused nothing reaches it. */
  readonly process: SimProcess;
  /** The longest that a frame is under way. */
  readonly linkMs: () => number;
  /** Bytes that both kernels hold between the two ends. */
  readonly kernelBytes: number;
  readonly client: ClientEnd;
};

/** Who learns that a connection broke: half-open is what only one side, or none, hears of. */
export type Break = "both" | "client" | "server" | "none";

type Down = { readonly kind: "frame" | "ping" | "close"; readonly text: string; readonly code: number };

/** Bun gives a socket up beyond this many bytes, as the adapter asks it to. */
export const backpressureLimitBytes = 16 * 262_144;

/**
 * One WebSocket, with Bun's manners at the server's end: `send` answers the bytes, or −1 where they wait in Bun's own
 * buffer, or 0 where they were dropped; frames of one read arrive even after `pause`; `close` tells the handler at once.
 * Frames arrive late but in order.
 */
export function createLink({ timeline, chance, process, linkMs, kernelBytes, client }: LinkOptions) {
  let server: ServerEnd | null = null;
  /** Each end's own idea of whether it is connected; and whether bytes still move between them. */
  let isServerOpen = true;
  let isClientOpen = true;
  let isWhole = true;
  let isStalled = false;
  let isPaused = false;
  let heldUntil = 0;
  /** Server → client: in the kernels, then in Bun's buffer behind them. */
  let kernel: Down[] = [];
  let kernelUsed = 0;
  let buffer: Down[] = [];
  let bufferBytes = 0;
  let bufferedMax = 0;
  let isDelivering = false;
  let up: string[] = [];
  let isTransmitting = false;

  const wayMs = (): number => chance.unit() * linkMs();
  const isHeld = (): boolean => heldUntil > timeline.now();

  function push(down: Down): number {
    const bytes = down.text.length;
    if (!isServerOpen) return 0;
    if (bufferBytes > backpressureLimitBytes) return 0;
    if (buffer.length === 0 && (kernelUsed === 0 || kernelUsed + bytes <= kernelBytes)) {
      kernel.push(down);
      kernelUsed += bytes;
      deliver();
      return Math.max(bytes, 1);
    }
    buffer.push(down);
    bufferBytes += bytes;
    bufferedMax = Math.max(bufferedMax, bufferBytes);
    return -1;
  }

  /** The kernel has taken what it could: Bun tells of it. */
  function refill(): void {
    const before = buffer.length;
    for (let next = buffer[0]; next; next = buffer[0]) {
      if (kernelUsed > 0 && kernelUsed + next.text.length > kernelBytes) break;
      buffer.shift();
      bufferBytes -= next.text.length;
      kernel.push(next);
      kernelUsed += next.text.length;
    }
    if (before > buffer.length && isServerOpen) process.run(() => isServerOpen && server?.drain());
  }

  function deliver(): void {
    if (isDelivering || isStalled || isHeld() || !isWhole || kernel.length === 0) return;
    isDelivering = true;
    void timeline.after(wayMs(), () => {
      isDelivering = false;
      if (isStalled || isHeld() || !isWhole) return;
      for (let i = chance.between(1, 8); i > 0; i--) {
        const down = kernel.shift();
        if (!down) break;
        kernelUsed -= down.text.length;
        if (!isClientOpen) continue;
        if (down.kind === "close") return endClient(down.code);
        if (down.kind === "frame") client.receive(down.text);
        else {
          client.pinged();
          sendUp("");
        }
      }
      refill();
      deliver();
    });
  }

  /** Client → server; the empty text is a pong. */
  function sendUp(text: string): void {
    if (!isClientOpen) return;
    up.push(text);
    transmit();
  }

  function transmit(): void {
    if (isTransmitting || isPaused || isHeld() || !isWhole || up.length === 0) return;
    isTransmitting = true;
    void timeline.after(wayMs(), () =>
      process.run(() => {
        isTransmitting = false;
        if (!isWhole || isHeld()) return;
        // One read of the operating system: all of it is handed over, even if the first frame pauses the socket.
        for (const text of up.splice(0, chance.between(1, 8))) {
          if (!isServerOpen) break;
          if (text === "") server?.pong();
          else server?.receive(text);
        }
        transmit();
      }),
    );
  }

  function flow(): void {
    deliver();
    transmit();
  }

  function endServer(code: number): void {
    if (!isServerOpen) return;
    isServerOpen = false;
    buffer = [];
    bufferBytes = 0;
    server?.closed(code);
  }

  function endClient(code: number): void {
    if (!isClientOpen) return;
    isClientOpen = false;
    up = [];
    client.closed(code);
  }

  function cut(who: Break): void {
    isWhole = false;
    kernel = [];
    if (who === "both" || who === "server") void timeline.after(wayMs(), () => process.run(() => endServer(1006)));
    if (who === "both" || who === "client") void timeline.after(wayMs(), () => endClient(1006));
  }

  return {
    /** The server's end, by the names of Bun's `ServerWebSocket`. */
    socket: {
      sendText: (text: string): number => push({ kind: "frame", text, code: 0 }),
      getBufferedAmount: (): number => bufferBytes,
      cork: (write: () => void): void => write(),
      // Bun answers 0 for a ping also where it went out.
      ping(): number {
        push({ kind: "ping", text: "", code: 0 });
        return 0;
      },
      pause: (): void => void (isPaused = true),
      resume(): void {
        isPaused = false;
        transmit();
      },
      close(code: number): void {
        // What was sent before goes out first; the peer may be gone all the same.
        push({ kind: "close", text: "", code });
        kernel.push(...buffer);
        endServer(code);
        deliver();
      },
      terminate(): void {
        if (isServerOpen) cut("client");
        endServer(1006);
      },
    },
    attach: (end: ServerEnd): void => void (server = end),
    say: (frame: object): void => sendUp(JSON.stringify(frame)),
    /** The client stops reading. */
    stall: (): void => void (isStalled = true),
    read(): void {
      isStalled = false;
      deliver();
    },
    /** Nothing moves for so long, either way; then all of it does. */
    hold(ms: number): void {
      heldUntil = Math.max(heldUntil, timeline.now() + ms);
      void timeline.after(ms, flow);
    },
    /** It is neither stalled nor held any more. */
    release(): void {
      isStalled = false;
      heldUntil = 0;
      flow();
    },
    cut,
    /** The client gives up: the server may hear of it, or not. */
    leave(isHeard: boolean): void {
      isClientOpen = false;
      cut(isHeard ? "server" : "none");
    },
    /** The server's process is gone: its kernel says so to whoever is there. */
    die: (): void => cut("client"),
    isOpen: (): boolean => isClientOpen,
    /** Whether bytes still get through, whatever either end believes. */
    isWhole: (): boolean => isWhole,
    /** Whether the server's kernel still takes it for a connection. */
    isServed: (): boolean => isServerOpen,
    bufferedMax: (): number => bufferedMax,
  };
}

export type Link = ReturnType<typeof createLink>;
