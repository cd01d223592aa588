import { createBadFrameCounter } from "./bad-frame-counter.ts";
import { createExpiry, type Expiry } from "./expiry.ts";
import { createHeartbeat, type Heartbeat } from "./heartbeat.ts";
import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";

/** The signs of life of one connection's client, and the end of its session. */
export type Health = {
  /** The client did something; its pings, and the answers to the server's, do not count. */
  markActive(): void;
  /** The milliseconds since the client last did something. */
  idleMs(): number;
  /** The client sends `ping` frames: from now on it must be heard. */
  requirePongs(): void;
  /** The end of the session in milliseconds since the Unix epoch; undefined: it does not end by itself. */
  sessionEnd(): number | undefined;
};

/** What the connection alone does with it. */
export type HealthControl = {
  readonly heartbeat: Heartbeat;
  readonly expiry: Expiry;
  /** Counts a bad frame; true: it is more than a minute may have. */
  addBadFrame(): boolean;
};

export type HealthOptions = {
  readonly session: Session;
  readonly clock: Clock;
  /** Leaves out the time in which this process was frozen. */
  readonly awake: Clock;
  readonly limits: Limits;
  readonly arePongsHidden: boolean;
  /** The client did something. */
  readonly onActive: () => void;
};

export function createHealth(options: HealthOptions): Health & HealthControl {
  const { session, clock, awake, limits, arePongsHidden, onActive } = options;
  const heartbeat = createHeartbeat({ clock: awake, limits, arePongsHidden });
  const expiry = createExpiry(session, clock);
  const badFrames = createBadFrameCounter({ clock, perMinuteMax: limits.badFramesPerMinuteMax });
  let activeAt = clock.elapsed();

  return {
    markActive() {
      activeAt = clock.elapsed();
      onActive();
    },
    idleMs: () => clock.elapsed() - activeAt,
    requirePongs: heartbeat.requirePongs,
    sessionEnd: expiry.end,
    heartbeat,
    expiry,
    addBadFrame: badFrames.add,
  };
}
