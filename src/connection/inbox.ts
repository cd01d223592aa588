import type { Socket } from "./socket.ts";

export type Frame = string | Uint8Array;

export type InboxOptions = {
  readonly socket: Pick<Socket, "pause" | "resume">;
  /** Handles one frame; a promise makes the next one wait. */
  readonly handle: (frame: Frame) => void | Promise<void>;
  /** A frame has arrived. */
  readonly onFrame: () => void;
  /** Whether frames are taken: one that may not be handled yet waits. */
  readonly isTaking: () => boolean;
  /** Whether the next frame may be handled now. */
  readonly isOpen: () => boolean;
  /** More frames arrived than may wait. */
  readonly onOverflow: () => void;
  readonly onFault: (fault: unknown) => void;
  readonly bytesMax: number;
  /** Frames that may wait where the runtime cannot stop reading. */
  readonly framesMax: number;
};

/**
 * The frames of one connection, handled one after the other. While one is being handled, or none may be, the
 * socket is not read; the frames that the runtime had read already wait here, within bounds.
 */
export function createInbox(options: InboxOptions) {
  const { socket, handle, onFrame, isTaking, isOpen, onOverflow, onFault, bytesMax, framesMax } = options;
  let waiting: Frame[] = [];
  let first = 0;
  let bytes = 0;
  let state: "idle" | "busy" | "stopped" = "idle";
  let isPaused = false;

  const hasWaiting = (): boolean => first < waiting.length;
  // Handling a frame may stop it, which the compiler does not see.
  const hasEnded = (): boolean => state === "stopped";
  const canHandle = (): boolean => state === "idle" && isOpen();

  function run(frame: Frame): void {
    try {
      const handled = handle(frame);
      if (!handled) return;
      if (state === "idle") state = "busy";
      handled.catch(onFault).finally(() => {
        if (state === "busy") state = "idle";
        pump();
      });
    } catch (fault) {
      onFault(fault);
    }
  }

  function take(): Frame | undefined {
    const frame = waiting[first];
    waiting[first++] = "";
    if (first === waiting.length) {
      waiting = [];
      first = 0;
    }
    if (frame !== undefined) bytes -= frame.length;
    return frame;
  }

  function pump(): void {
    while (hasWaiting() && canHandle()) {
      const frame = take();
      if (frame !== undefined) run(frame);
    }
    if (isPaused && !hasWaiting() && canHandle()) {
      isPaused = false;
      socket.resume?.();
    }
  }

  return {
    receive(frame: Frame): void {
      onFrame();
      if (state === "stopped" || !isTaking()) return;
      if (!hasWaiting() && canHandle()) run(frame);
      else {
        waiting.push(frame);
        bytes += frame.length;
      }
      if (hasEnded() || (!hasWaiting() && canHandle())) return;
      if (bytes > bytesMax || (!socket.pause && waiting.length - first > framesMax)) return onOverflow();
      if (isPaused) return;
      isPaused = true;
      socket.pause?.();
    },
    /** Handles the frames that wait, if it may again. */
    pump,
    /** Whether the socket is not read. */
    isPaused: (): boolean => isPaused,
    /** Forgets the frames that wait, and takes no more. */
    stop(): void {
      state = "stopped";
      waiting = [];
      first = 0;
      bytes = 0;
    },
  };
}
