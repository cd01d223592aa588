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

export type HeartbeatOptions = {
  /** Leaves out the time in which this process was frozen: the peer's frames of that time are still to be read. */
  readonly clock: Clock;
  readonly limits: Limits;
  /** Whether the runtime hides pongs: a healthy peer may be silent, until it has sent a `ping` frame. */
  readonly arePongsHidden?: boolean;
};

/** The deadlines of one connection: its peer must be heard, and must take the frames that are sent to it. */
export function createHeartbeat({ clock, limits, arePongsHidden = false }: HeartbeatOptions) {
  let mustBeHeard = !arePongsHidden;
  let lastHeard = clock.elapsed();
  let lastPing = lastHeard;
  let blockedSince: number | null = null;

  return {
    /** A complete frame or a pong arrived. */
    heard(): void {
      lastHeard = clock.elapsed();
    },
    /** The peer sends `ping` frames: from now on it must be heard. */
    requirePongs(): void {
      mustBeHeard = true;
    },
    /** Checks the deadlines; called about four times a heartbeat, at least once a second. */
    beat({ isBlocked, isPaused }: Standing): Beat {
      const now = clock.elapsed();
      if (!isBlocked) blockedSince = null;
      else blockedSince ??= now;
      // A socket that is not read cannot be heard: only its outgoing side counts then.
      if (isPaused) lastHeard = Math.max(lastHeard, now - limits.heartbeatMs);
      const isSilent = mustBeHeard && now - lastHeard > 2 * limits.heartbeatMs;
      const isStuck = blockedSince !== null && now - blockedSince > limits.slowConsumerMs;
      if (isStuck || (isSilent && isBlocked)) return "stuck";
      if (isSilent) return "silent";
      if (now - lastPing < limits.heartbeatMs) return "fine";
      lastPing = now;
      return "ping";
    },
  };
}

export type Heartbeat = ReturnType<typeof createHeartbeat>;
