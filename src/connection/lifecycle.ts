import type { Socket } from "./socket.ts";
import type { Clock } from "../internal/clock.ts";

export type LifecycleOptions = {
  readonly socket: Pick<Socket, "close" | "terminate">;
  readonly clock: Pick<Clock, "after">;
  /** Runs a task soon, and not many of them in one turn. */
  readonly soon: (task: () => void) => void;
  /** No further frame is handled, and no change is sent. */
  readonly onClosing: () => void;
  /** The socket is gone; called once. */
  readonly onClosed: (code: number) => void;
};

type State =
  | { readonly type: "opening" | "open" | "failed" | "closed" }
  | { readonly type: "closing"; readonly cancelGrace: () => void };

/** A peer that does not answer the closing handshake is dropped after this time, in milliseconds. */
const closeGraceMs = 3_000;

const opening: State = { type: "opening" };
const open: State = { type: "open" };

/** The states of one socket, from its upgrade until it is gone. */
export function createLifecycle(options: LifecycleOptions) {
  const { socket, clock, soon, onClosing, onClosed } = options;
  let state = opening;

  const isEnding = (): boolean => state.type === "closing" || state.type === "closed";

  function terminate(code: number): void {
    if (state.type === "closed") return;
    socket.terminate();
    closed(code);
  }

  function closed(code: number): void {
    if (state.type === "closed") return;
    if (state.type === "closing") state.cancelGrace();
    state = { type: "closed" };
    onClosed(code);
  }

  return {
    isOpening: () => state.type === "opening",
    /** Frames are handled. */
    isOpen: () => state.type === "open",
    /** The store failed: the frames that were read are answered, then the socket closes. */
    isFailed: () => state.type === "failed",
    /** The closing handshake has begun, or the socket is gone. */
    isEnding,
    open(): void {
      state = open;
    },
    fail(): void {
      if (state.type === "open") state = { type: "failed" };
    },
    /** Begins the closing handshake. */
    close(code: number, reason: string): void {
      if (isEnding()) return;
      const cancelGrace = clock.after(closeGraceMs, () => soon(() => terminate(code)));
      // Before the socket's close: some runtimes call `closed` from within it.
      state = { type: "closing", cancelGrace };
      onClosing();
      socket.close(code, reason);
    },
    /** Drops the socket without a handshake. */
    terminate,
    /** The socket is gone. */
    closed,
  };
}
