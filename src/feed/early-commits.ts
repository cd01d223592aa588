import type { Clock } from "../internal/clock.ts";
import type { Commit } from "../store/store.ts";

/** The time that the missing commits have to arrive by themselves, before the store is read for them. */
const waitMs = 30;
const commitsMax = 64;

/** Commits that arrived before the ones that they follow, as happens when several nodes commit. `onOverdue`: those up to `upTo` waited too long. */
export function createEarlyCommits<Early extends Commit = Commit>(clock: Clock, onOverdue: (upTo: number) => void) {
  /** By the position that each follows. */
  const waiting = new Map<number, Early>();
  let cancel: (() => void) | null = null;

  function stop(): void {
    cancel?.();
    cancel = null;
  }

  return {
    /** False where too many wait already. */
    add(commit: Early): boolean {
      if (waiting.size >= commitsMax) return false;
      waiting.set(commit.from, commit);
      cancel ??= clock.after(waitMs, () => {
        cancel = null;
        const upTo = Math.max(...Array.from(waiting.values(), ({ to }) => to));
        waiting.clear();
        onOverdue(upTo);
      });
      return true;
    },

    /** Removes the commit that follows a position. Where there is none, forgets the commits that end before it. */
    takeNext(position: number): Early | null {
      const next = waiting.get(position);
      if (next && next.to > position) {
        waiting.delete(position);
        return next;
      }
      for (const { from, to } of waiting.values()) if (to <= position) waiting.delete(from);
      if (waiting.size === 0) stop();
      return null;
    },

    stop,
  };
}
