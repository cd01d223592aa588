import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";

/** Watches for the end of a session's proof. The timer may be late: `hasEnded` says how it is now. */
export function createExpiry({ expiresAt }: Session, clock: Clock) {
  let cancel = (): void => {};
  const hasEnded = (): boolean => expiresAt !== undefined && expiresAt <= clock.now();

  function watch(onEnd: () => void): void {
    if (expiresAt === undefined) return;
    if (hasEnded()) return onEnd();
    cancel = clock.after(expiresAt - clock.now(), () => watch(onEnd));
  }

  return { hasEnded, watch, stop: (): void => cancel() };
}
