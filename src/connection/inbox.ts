import type { Socket } from "./socket.ts";
import type { Limits } from "../protocol/limits.ts";

export type Frame = string | Uint8Array;

/** The parts of a connection that its inbox uses. */
export type InboxOwner = {
  readonly socket: Pick<Socket, "pause" | "resume">;
  /** `sendWindow`: the frames that may wait where the runtime cannot stop reading. */
  readonly context: { readonly limits: Pick<Limits, "inboxBytesMax" | "sendWindow"> };
  /** Handles one frame; a promise makes the next one wait. */
  handle(frame: Frame): void | Promise<void>;
  /** Whether frames are taken: one that may not be handled yet waits. */
  isTaking(): boolean;
  /** Whether the next frame may be handled now. */
  canHandle(): boolean;
  /** More frames arrived than may wait. */
  onOverflow(): void;
  fail(fault: unknown): void;
};

/**
 * The frames of one connection, handled one after the other. While one is being handled, or none may be, the
 * socket is not read; the frames that the runtime had read already wait here, within bounds.
 */
export class Inbox {
  private readonly owner: InboxOwner;
  /** Null: there are none. */
  private waiting: Frame[] | null = null;
  private first = 0;
  private bytes = 0;
  private state: "idle" | "busy" | "stopped" = "idle";
  private paused = false;

  constructor(owner: InboxOwner) {
    this.owner = owner;
  }

  receive(frame: Frame): void {
    const { owner } = this;
    if (this.hasEnded() || !owner.isTaking()) return;
    if (this.waiting === null && this.canHandle()) this.run(frame);
    else {
      (this.waiting ??= []).push(frame);
      this.bytes += frame.length;
    }
    if (this.hasEnded() || (this.waiting === null && this.canHandle())) return;
    const { inboxBytesMax, sendWindow } = owner.context.limits;
    if (this.bytes > inboxBytesMax || (!owner.socket.pause && this.waitingFrames() > sendWindow))
      return owner.onOverflow();
    if (this.paused) return;
    this.paused = true;
    owner.socket.pause?.();
  }

  /** Handles the frames that wait, if it may again. */
  pump(): void {
    while (this.waiting !== null && this.canHandle()) this.run(this.take(this.waiting));
    if (this.paused && this.waiting === null && this.canHandle()) {
      this.paused = false;
      this.owner.socket.resume?.();
    }
  }

  /** Whether the socket is not read. */
  isPaused(): boolean {
    return this.paused;
  }

  /** Forgets the frames that wait, and takes no more. */
  stop(): void {
    this.state = "stopped";
    this.waiting = null;
    this.first = 0;
    this.bytes = 0;
  }

  private waitingFrames(): number {
    return this.waiting === null ? 0 : this.waiting.length - this.first;
  }

  // Handling a frame may stop it, which the compiler does not see.
  private hasEnded(): boolean {
    return this.state === "stopped";
  }

  private canHandle(): boolean {
    return this.state === "idle" && this.owner.canHandle();
  }

  private run(frame: Frame): void {
    try {
      const handled = this.owner.handle(frame);
      if (!handled) return;
      if (this.state === "idle") this.state = "busy";
      handled
        .catch((fault: unknown) => this.owner.fail(fault))
        .finally(() => {
          if (this.state === "busy") this.state = "idle";
          this.pump();
        });
    } catch (fault) {
      this.owner.fail(fault);
    }
  }

  private take(waiting: Frame[]): Frame {
    const frame = waiting[this.first] ?? "";
    waiting[this.first++] = "";
    if (this.first === waiting.length) {
      this.waiting = null;
      this.first = 0;
    }
    this.bytes -= frame.length;
    return frame;
  }
}
