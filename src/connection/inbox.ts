import type { Socket } from "./socket.ts";

export type Frame = string | Uint8Array;

export type InboxOptions = {
  readonly socket: Pick<Socket, "pause" | "resume">;
  /** Handles one frame; a promise makes the next one wait. */
  readonly handle: (frame: Frame) => void | Promise<void>;
  /** Whether the next frame may be handled now. */
  readonly isOpen: () => boolean;
  /** More arrived than may wait. */
  readonly onOverflow: () => void;
  readonly onFault: (fault: unknown) => void;
  readonly bytesMax: number;
  /** Frames that may wait where the runtime cannot stop reading. */
  readonly framesMax: number;
};

/**
 * The frames of one connection, handled one after the other. While one is being handled, or none may be, the
 * socket is not read; what the runtime had read already waits here, within bounds.
 */
export function createInbox({ socket, handle, isOpen, onOverflow, onFault, bytesMax, framesMax }: InboxOptions) {
  let waiting: Frame[] = [];
  let first = 0;
  let bytes = 0;
  let isBusy = false;
  let isPaused = false;
  let isDone = false;

  const hasWaiting = (): boolean => first < waiting.length;

  function run(frame: Frame): void {
    try {
      const handled = handle(frame);
      if (!handled) return;
      isBusy = true;
      handled.catch(onFault).finally(() => {
        isBusy = false;
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
    while (!isDone && !isBusy && hasWaiting() && isOpen()) {
      const frame = take();
      if (frame !== undefined) run(frame);
    }
    if (isPaused && !isDone && !isBusy && !hasWaiting() && isOpen()) {
      isPaused = false;
      socket.resume?.();
    }
  }

  return {
    receive(frame: Frame): void {
      if (isDone) return;
      if (!isBusy && !hasWaiting() && isOpen()) run(frame);
      else {
        waiting.push(frame);
        bytes += frame.length;
      }
      if (isDone || (!isBusy && !hasWaiting() && isOpen())) return;
      if (bytes > bytesMax || (!socket.pause && waiting.length - first > framesMax)) return onOverflow();
      if (isPaused) return;
      isPaused = true;
      socket.pause?.();
    },
    /** Goes on, if it may again. */
    pump,
    isPaused: (): boolean => isPaused,
    /** Forgets what waits and takes nothing more. */
    stop(): void {
      isDone = true;
      waiting = [];
      first = 0;
      bytes = 0;
    },
  };
}

export type Inbox = ReturnType<typeof createInbox>;
