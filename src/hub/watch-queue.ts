import type { Ask, Watch } from "./watch.ts";

/** Pairs that one turn of the event loop looks up at most: a few milliseconds. */
const pairsAtOnce = 500;

/** The watches with states that their viewers were not sent yet. */
export function createWatchQueue() {
  const pending = new Set<Watch>();
  const later = new Set<Watch>();

  return {
    /** The viewer was not sent this user's state. */
    mark(watch: Watch, user: string): void {
      watch.stale.add(user);
      if (watch.phase === "idle" && !later.has(watch)) pending.add(watch);
    },
    /** The next pairs to look up, at most `pairsAtOnce`; their watches are `notifying` until `putBack`. */
    take(): readonly Ask[] {
      const asks: Ask[] = [];
      let room = pairsAtOnce;
      for (const watch of pending) {
        if (room === 0) break;
        pending.delete(watch);
        if (watch.viewer.outgoing.isBehind()) {
          later.add(watch);
          continue;
        }
        const users: string[] = [];
        for (const user of watch.stale) {
          if (room === 0) break;
          users.push(user);
          watch.stale.delete(user);
          room--;
        }
        watch.phase = "notifying";
        asks.push({ watch, users });
      }
      return asks;
    },
    /** Queues the users again that are still stale, at once or for the next beat. False: there are none. */
    putBack(watch: Watch, rest: "pending" | "later"): boolean {
      if (watch.phase === "ended") return false;
      watch.phase = "idle";
      if (watch.stale.size === 0) return false;
      (rest === "pending" ? pending : later).add(watch);
      return true;
    },
    /** Moves the watches that waited for a beat into the queue. */
    retryLater(): void {
      for (const watch of later) pending.add(watch);
      later.clear();
    },
    /** The watch has ended. */
    drop(watch: Watch): void {
      watch.phase = "ended";
      pending.delete(watch);
      later.delete(watch);
    },
    hasPending: (): boolean => pending.size > 0,
  };
}
