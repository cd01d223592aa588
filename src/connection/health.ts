import type { Expiry } from "./expiry.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Clock } from "../internal/clock.ts";

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

export function createHealth(options: {
  readonly clock: Pick<Clock, "elapsed">;
  readonly heartbeat: Pick<Heartbeat, "requirePongs">;
  readonly expiry: Pick<Expiry, "end">;
  readonly onActive: () => void;
}): Health {
  const { clock, heartbeat, expiry, onActive } = options;
  let activeAt = clock.elapsed();

  return {
    markActive() {
      activeAt = clock.elapsed();
      onActive();
    },
    idleMs: () => clock.elapsed() - activeAt,
    requirePongs: heartbeat.requirePongs,
    sessionEnd: expiry.end,
  };
}
