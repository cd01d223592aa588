import type { Clock } from "../internal/clock.ts";

/** A refusal after which the same send is tried again. */
export type LaterCode = "rate_limited" | "unavailable";

/** The refusal of a send that comes during a pause. */
export type PausedSend = { readonly code: LaterCode; readonly retryAfterMs: number };

/** Refuses all sends of a connection for a while, so that none overtakes one that must be tried again. */
export type SendPause = {
  start(code: LaterCode, ms: number): void;
  /** The refusal of a send that comes now; null: there is no pause. */
  current(): PausedSend | null;
};

export function createSendPause(clock: Pick<Clock, "elapsed">): SendPause {
  let pause: { readonly code: LaterCode; readonly until: number } | null = null;
  return {
    start(code, ms) {
      pause = { code, until: clock.elapsed() + ms };
    },
    current() {
      if (pause === null) return null;
      const retryAfterMs = Math.ceil(pause.until - clock.elapsed());
      if (retryAfterMs > 0) return { code: pause.code, retryAfterMs };
      pause = null;
      return null;
    },
  };
}
