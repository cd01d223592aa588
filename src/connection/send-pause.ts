import type { Clock } from "../internal/clock.ts";

/** A refusal after which the same send is tried again. */
export type LaterCode = "rate_limited" | "unavailable";

/** The refusal of a send that comes during a pause. */
export type PausedSend = { readonly code: LaterCode; readonly retryAfterMs: number };

/** Refuses all sends of a connection for a while, so that none overtakes one that must be tried again. */
export class SendPause {
  private readonly clock: Pick<Clock, "elapsed">;
  private pause: { readonly code: LaterCode; readonly until: number } | null = null;

  constructor(clock: Pick<Clock, "elapsed">) {
    this.clock = clock;
  }

  start(code: LaterCode, ms: number): void {
    this.pause = { code, until: this.clock.elapsed() + ms };
  }

  /** The refusal of a send that comes now; null: there is no pause. */
  current(): PausedSend | null {
    if (this.pause === null) return null;
    const { code, until } = this.pause;
    const retryAfterMs = Math.ceil(until - this.clock.elapsed());
    if (retryAfterMs > 0) return { code, retryAfterMs };
    this.pause = null;
    return null;
  }
}
