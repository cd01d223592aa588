import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";

/** Watches for the end of a session's proof, which may be moved. The timer may be late: `hasEnded` says how it is now. */
export function createExpiry(session: Pick<Session, "expiresAt">, clock: Clock) {
  let { expiresAt } = session;
  let cancel = (): void => {};
  let onEnd: (() => void) | null = null;
  const hasEnded = (): boolean => expiresAt !== undefined && expiresAt <= clock.now();

  function wait(): void {
    cancel();
    if (expiresAt === undefined || onEnd === null) return;
    if (hasEnded()) return onEnd();
    cancel = clock.after(expiresAt - clock.now(), wait);
  }

  return {
    hasEnded,
    watch(task: () => void): void {
      onEnd = task;
      wait();
    },
    /** The session ends then, and no more when it did; undefined: it does not end by itself. */
    move(end: number | undefined): void {
      expiresAt = end;
      wait();
    },
    /** When it ends, in milliseconds since the Unix epoch; undefined: not by itself. */
    end: (): number | undefined => expiresAt,
    stop(): void {
      onEnd = null;
      cancel();
    },
  };
}
