import type { Clock } from "../internal/clock.ts";

/** A refusal after which the same send is tried again. */
export type LaterCode = "rate_limited" | "unavailable";

export type Held = { readonly code: LaterCode; readonly retryAfterMs: number };

/** Refuses all sends of a connection for a while, so that none overtakes one that must be tried again. */
export function createSendPause(clock: Clock) {
  let held: { readonly code: LaterCode; readonly until: number } | null = null;
  return {
    start(code: LaterCode, ms: number): void {
      held = { code, until: clock.elapsed() + ms };
    },
    /** Why sends are refused now, and for how long; null: they are not. */
    now(): Held | null {
      if (held === null) return null;
      const retryAfterMs = Math.ceil(held.until - clock.elapsed());
      if (retryAfterMs > 0) return { code: held.code, retryAfterMs };
      held = null;
      return null;
    },
  };
}
