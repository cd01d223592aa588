import type { Socket } from "./socket.ts";
import type { Clock } from "../internal/clock.ts";

/** The parts of a connection that its lifecycle uses. */
export type LifecycleOwner = {
  readonly socket: Pick<Socket, "close" | "terminate">;
  readonly context: {
    readonly awake: Pick<Clock, "after">;
    /** Runs a task soon, and not many of them in one turn. */
    readonly soon: (task: () => void) => void;
  };
  /** No further frame is handled, and no change is sent. */
  onClosing(): void;
  /** The socket is gone; called once. */
  onClosed(code: number): void;
};

type State =
  | { readonly type: "opening" | "open" | "failed" | "closed" }
  | { readonly type: "closing"; readonly cancelGrace: () => void };

/** A peer that does not answer the closing handshake is dropped after this time, in milliseconds. */
const closeGraceMs = 3_000;

// All connections share them.
const opening: State = { type: "opening" };
const open: State = { type: "open" };
const failed: State = { type: "failed" };
const gone: State = { type: "closed" };

/** The states of one socket, from its upgrade until it is gone. */
export class Lifecycle {
  private readonly owner: LifecycleOwner;
  private state = opening;

  constructor(owner: LifecycleOwner) {
    this.owner = owner;
  }

  isOpening(): boolean {
    return this.state.type === "opening";
  }

  /** Frames are handled. */
  isOpen(): boolean {
    return this.state.type === "open";
  }

  /** The store failed: the frames that were read are answered, then the socket closes. */
  isFailed(): boolean {
    return this.state.type === "failed";
  }

  /** The closing handshake has begun, or the socket is gone. */
  isEnding(): boolean {
    return this.state.type === "closing" || this.state.type === "closed";
  }

  open(): void {
    this.state = open;
  }

  fail(): void {
    if (this.state.type === "open") this.state = failed;
  }

  /** Begins the closing handshake. */
  close(code: number, reason: string): void {
    if (this.isEnding()) return;
    const { socket, context } = this.owner;
    const cancelGrace = context.awake.after(closeGraceMs, () => context.soon(() => this.terminate(code)));
    // Before the socket's close: some runtimes call `closed` from within it.
    this.state = { type: "closing", cancelGrace };
    this.owner.onClosing();
    socket.close(code, reason);
  }

  /** Drops the socket without a handshake. */
  terminate(code: number): void {
    if (this.state.type === "closed") return;
    this.owner.socket.terminate();
    this.closed(code);
  }

  /** The socket is gone. */
  closed(code: number): void {
    if (this.state.type === "closed") return;
    if (this.state.type === "closing") this.state.cancelGrace();
    this.state = gone;
    this.owner.onClosed(code);
  }
}
