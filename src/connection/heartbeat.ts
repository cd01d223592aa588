import type { Clock } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";

/** The outcome of a check of a connection's deadlines. */
export type Beat = "fine" | "ping" | "silent" | "stuck";

/** The state of a connection at a beat. */
export type Standing = {
  /** Something waits to go out and the socket does not take it. */
  readonly isBlocked: boolean;
  /** The server itself does not read the socket. */
  readonly isPaused: boolean;
};

export type HeartbeatContext = {
  /** Leaves out the time in which this process was frozen: the peer's frames of that time are still to be read. */
  readonly awake: Pick<Clock, "elapsed">;
  readonly limits: Pick<Limits, "heartbeatMs" | "slowConsumerMs">;
};

/** The deadlines of one connection: its peer must be heard, and must take the frames that are sent to it. */
export class Heartbeat {
  private readonly context: HeartbeatContext;
  private mustBeHeard: boolean;
  private lastHeard: number;
  private lastPing: number;
  private blockedSince: number | null = null;

  /** `arePongsHidden`: the runtime hides pongs; a healthy peer may be silent, until it has sent a `ping` frame. */
  constructor(context: HeartbeatContext, { arePongsHidden = false }: { readonly arePongsHidden?: boolean } = {}) {
    this.context = context;
    this.mustBeHeard = !arePongsHidden;
    this.lastHeard = context.awake.elapsed();
    this.lastPing = this.lastHeard;
  }

  /** A complete frame or a pong arrived. */
  heard(): void {
    this.lastHeard = this.context.awake.elapsed();
  }

  /** The peer sends `ping` frames: from now on it must be heard. */
  requirePongs(): void {
    this.mustBeHeard = true;
  }

  /** Checks the deadlines; called about four times a heartbeat, at least once a second. */
  beat({ isBlocked, isPaused }: Standing): Beat {
    const { awake, limits } = this.context;
    const now = awake.elapsed();
    if (!isBlocked) this.blockedSince = null;
    else this.blockedSince ??= now;
    // A socket that is not read cannot be heard: only its outgoing side counts then.
    if (isPaused) this.lastHeard = Math.max(this.lastHeard, now - limits.heartbeatMs);
    const isSilent = this.mustBeHeard && now - this.lastHeard > 2 * limits.heartbeatMs;
    const isStuck = this.blockedSince !== null && now - this.blockedSince > limits.slowConsumerMs;
    if (isStuck || (isSilent && isBlocked)) return "stuck";
    if (isSilent) return "silent";
    if (now - this.lastPing < limits.heartbeatMs) return "fine";
    this.lastPing = now;
    return "ping";
  }
}
