import type { Ask, Subject, Watch } from "./watch.ts";

/** Watchers that one turn of the event loop marks at most: a few milliseconds. */
const watchersAtOnce = 2_000;
/** Pairs that one turn of the event loop looks up at most: a few milliseconds. */
const pairsAtOnce = 500;

/** The watches with states that their viewers were not sent yet, and the users who moved, with their watchers that are not marked yet. */
export function createWatchQueue() {
  const pending = new Set<Watch>();
  const later = new Set<Watch>();
  /** `isAgain`: the user has moved again since. */
  const moved = new Map<Subject, { readonly left: Iterator<Watch>; isAgain: boolean }>();
  const begin = (subject: Subject): void =>
    void moved.set(subject, { left: subject.watchers[Symbol.iterator](), isAgain: false });

  /** The viewer was not sent this user's state. */
  function mark(watch: Watch, user: string): void {
    watch.stale.add(user);
    if (watch.phase === "idle" && !later.has(watch)) pending.add(watch);
  }

  return {
    mark,
    /** A user has come or gone: `markSome` marks their watchers. */
    addMoved(subject: Subject): void {
      const known = moved.get(subject);
      if (known) known.isAgain = true;
      else begin(subject);
    },
    /** Marks the next watchers of users who moved, at most `watchersAtOnce`. */
    markSome(): void {
      let room = watchersAtOnce;
      for (const [subject, { left, isAgain }] of moved) {
        for (let next = left.next(); next.done !== true; next = left.next()) {
          mark(next.value, subject.identity.user);
          if (--room === 0) return;
        }
        moved.delete(subject);
        if (isAgain) begin(subject);
      }
    },
    hasMoved: (): boolean => moved.size > 0,
    /** This user is no longer watched. */
    forget: (subject: Subject): void => void moved.delete(subject),
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
