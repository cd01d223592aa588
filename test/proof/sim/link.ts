import type { Chance } from "./chance.ts";
import type { SimProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** The events of a server's socket, as Bun's WebSocket handlers get them. */
export type ServerEnd = {
  receive(frame: string): void;
  drain(): void;
  pong(): void;
  closed(code: number): void;
};

export type ClientEnd = {
  receive(frame: string): void;
  /** A ping came: the runtime answers it, and the client knows that the server is alive. */
  pinged(): void;
  closed(code: number): void;
};

export type LinkOptions = {
  readonly timeline: Timeline;
  readonly chance: Chance;
  /** The server's process: while it is paused nothing reaches it. */
  readonly process: SimProcess;
  /** The longest time that a frame is under way. */
  readonly linkMs: () => number;
  /** Bytes that both kernels hold between the two ends. */
  readonly kernelBytes: number;
  readonly client: ClientEnd;
};

/** The ends that notice a broken connection. It is half-open where one does not, or neither. */
export type Break = "both" | "client" | "server" | "none";

type Down = { readonly kind: "frame" | "ping" | "close"; readonly text: string; readonly code: number };

/** Bun closes a socket beyond this many buffered bytes, as the adapter configures it. */
export const backpressureLimitBytes = 16 * 262_144;

/**
 * One WebSocket, with Bun's behaviour at the server's end: `send` returns the bytes, −1 where they wait in Bun's own
 * buffer, or 0 where they were dropped; frames of one read arrive even after `pause`; `close` calls the handler at once.
 * Frames arrive late but in order.
 */
export function createLink({ timeline, chance, process, linkMs, kernelBytes, client }: LinkOptions) {
  let server: ServerEnd | null = null;
  /** Whether each end believes that it is connected; and whether bytes still move between them. */
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

  /** The kernel has room again: it takes from Bun's buffer, and Bun reports the drain. */
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
        // One read of the operating system is handed over whole, even if its first frame pauses the socket.
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
      // Bun returns 0 for a ping even when it was sent.
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
        // Earlier frames are sent first; the peer may be gone all the same.
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
    send: (frame: object): void => sendUp(JSON.stringify(frame)),
    /** The client stops reading. */
    stall: (): void => void (isStalled = true),
    read(): void {
      isStalled = false;
      deliver();
    },
    /** Nothing moves for this long, in either direction; then all of it does. */
    hold(ms: number): void {
      heldUntil = Math.max(heldUntil, timeline.now() + ms);
      void timeline.after(ms, flow);
    },
    /** Ends a stall and a hold. */
    release(): void {
      isStalled = false;
      heldUntil = 0;
      flow();
    },
    cut,
    /** The client gives up. `isNoticed`: whether the server notices. */
    leave(isNoticed: boolean): void {
      isClientOpen = false;
      cut(isNoticed ? "server" : "none");
    },
    /** The server's process is gone: its kernel closes the connection to the client. */
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
