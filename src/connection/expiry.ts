import type { Clock } from "../internal/clock.ts";
import type { Session } from "../model.ts";

/** The end of a session's proof, which may move. Its timer may be late: `hasEnded` is exact. */
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
    /** Calls `task` at the end. */
    watch(task: () => void): void {
      onEnd = task;
      wait();
    },
    /** Moves the end; undefined: the session does not end by itself. */
    move(end: number | undefined): void {
      expiresAt = end;
      wait();
    },
    /** The end in milliseconds since the Unix epoch; undefined: the session does not end by itself. */
    end: (): number | undefined => expiresAt,
    stop(): void {
      onEnd = null;
      cancel();
    },
  };
}

export type Expiry = ReturnType<typeof createExpiry>;
