import { createPresenceNotifier, type PresenceNotifierOptions } from "./presence-notifier.ts";
import type { Cluster } from "./cluster.ts";
import { SmallSet } from "./small-set.ts";
import type { Subject, Viewer, Watch } from "./watch.ts";
import type { WatchBudget } from "./watch-budget.ts";
import { createTurns } from "../internal/turns.ts";
import { type Identity, identityKey } from "../model.ts";

export type WatchesOptions = Omit<PresenceNotifierOptions, "subjectOf"> & {
  readonly budget: WatchBudget;
  readonly viewersOf: (identity: Identity) => Iterable<Viewer>;
  readonly cluster?: Pick<Cluster, "watch" | "unwatch"> | undefined;
};

/** Names of watches that one turn of the event loop takes at most: a few milliseconds. */
const namesAtOnce = 1_000;

/** The users that connections watch. */
export function createWatches(options: WatchesOptions) {
  const { clock, budget, viewersOf, cluster } = options;
  const watches = new Map<Viewer, Watch>();
  const subjects = new Map<string, Subject>();
  const turns = createTurns({ clock, unitsMax: namesAtOnce });

  const notifier = createPresenceNotifier({
    ...options,
    subjectOf: ({ session }, user) => subjects.get(identityKey({ tenant: session.tenant, user })),
  });

  function subjectFor(identity: Identity): Subject {
    const key = identityKey(identity);
    const known = subjects.get(key);
    if (known) return known;
    const subject: Subject = { identity, watchers: new SmallSet(), moves: 0, seen: null };
    subjects.set(key, subject);
    cluster?.watch(identity);
    return subject;
  }

  /** False: there is no room for these names. */
  function take(viewer: Viewer, names: readonly string[]): boolean {
    const { tenant } = viewer.session;
    const before = watches.get(viewer);
    const users = new Set(names);
    if (!budget.move(before?.users.size ?? 0, users.size)) return false;
    if (before) end(before);
    if (users.size === 0) return true;
    const watch: Watch = { viewer, users: new Map(), stale: new Set(), phase: "idle" };
    watches.set(viewer, watch);
    for (const user of users) {
      watch.users.set(user, null);
      subjectFor({ tenant, user }).watchers.add(watch);
      notifier.mark(watch, user);
    }
    notifier.wake();
    return true;
  }

  /** Ends a watch; its part of the budget is the caller's to give back. */
  function end(watch: Watch): void {
    watches.delete(watch.viewer);
    notifier.drop(watch);
    const { tenant } = watch.viewer.session;
    for (const user of watch.users.keys()) {
      const key = identityKey({ tenant, user });
      const subject = subjects.get(key);
      subject?.watchers.delete(watch);
      if (!subject || subject.watchers.size > 0) continue;
      subjects.delete(key);
      notifier.forget(subject);
      cluster?.unwatch(subject.identity);
    }
  }

  /** The viewer's connection has gone. */
  function forget(viewer: Viewer): void {
    const watch = watches.get(viewer);
    if (!watch) return;
    budget.move(watch.users.size, 0);
    end(watch);
  }

  return {
    /** A user has come or gone. */
    moved(identity: Identity): void {
      const subject = subjects.get(identityKey(identity));
      if (subject) notifier.moved(subject);
    },
    forget,
    /**
     * The viewer is sent the states of these users from now on, in place of those that it watched before. False: the process has no room for
     * them, and it watches the same users as before. A promise where this turn has no room for more names.
     */
    watch(viewer: Viewer, users: readonly string[]): boolean | Promise<boolean> {
      const names = users.length + (watches.get(viewer)?.users.size ?? 0);
      const turn = turns.take(identityKey(viewer.session), names);
      if (!turn) return take(viewer, users);
      // A connection that has ended meanwhile watches nothing.
      return turn.then(() => !viewer.isOpen() || take(viewer, users));
    },
    /** The relationship of two users has changed: either may now see what was hidden, or the reverse. */
    review(tenant: string, one: string, other: string): void {
      for (const [user, subject] of [
        [one, other],
        [other, one],
      ] as const)
        for (const viewer of viewersOf({ tenant, user })) {
          const watch = watches.get(viewer);
          if (watch?.users.has(subject) === true) notifier.mark(watch, subject);
        }
      notifier.wake();
    },
    beat: notifier.beat,
    stop(): void {
      notifier.stop();
      for (const viewer of [...watches.keys()]) forget(viewer);
    },
    sizes: () => ({ watches: watches.size, watched: subjects.size }),
  };
}

export type Watches = ReturnType<typeof createWatches>;
