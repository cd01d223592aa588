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

/** The parts of a connection that its health uses. */
export type HealthOwner = {
  readonly context: {
    readonly clock: Pick<Clock, "elapsed">;
    /** The client of some connection did something. */
    readonly onActive: () => void;
  };
  readonly heartbeat: Pick<Heartbeat, "requirePongs">;
  readonly expiry: Pick<Expiry, "end">;
};

export class ConnectionHealth implements Health {
  private readonly owner: HealthOwner;
  private activeAt: number;

  constructor(owner: HealthOwner) {
    this.owner = owner;
    this.activeAt = owner.context.clock.elapsed();
  }

  markActive(): void {
    const { context } = this.owner;
    this.activeAt = context.clock.elapsed();
    context.onActive();
  }

  idleMs(): number {
    return this.owner.context.clock.elapsed() - this.activeAt;
  }

  requirePongs(): void {
    this.owner.heartbeat.requirePongs();
  }

  sessionEnd(): number | undefined {
    return this.owner.expiry.end();
  }
}
