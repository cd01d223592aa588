import type { Clock } from "../internal/clock.ts";
import { createLru } from "../internal/lru.ts";
import { type Identity, identityKey } from "../model.ts";
import { encodeFrame } from "../protocol/encode.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";
import type { Policy } from "./policy.ts";
import type { Cluster } from "./cluster.ts";
import { isBlockedBetween, type Ties } from "./ties.ts";

/** The smallest part of a connection that watches others. */
export type Viewer = {
  readonly session: Identity;
  /** Sends something volatile; false where the socket is not keeping up and it was dropped. */
  readonly hint: (text: string) => boolean;
};

/** How somebody is for a viewer: online, offline without more, or when they were last seen. */
type State = "online" | "offline" | number;

type Watch = {
  readonly viewer: Viewer;
  /** How each is as the viewer was last told; null: not yet. What is as it was is not told: that would show a hidden one move. */
  readonly users: Map<string, State | null>;
  /** Of whom the viewer has not been told how they are now. */
  stale: Set<string>;
  isTelling: boolean;
};

/** Somebody who is here, or was until a moment ago. */
type Lease = {
  readonly identity: Identity;
  notedAt: number;
  /** Ends the grace; null while a connection is open. */
  cancelGrace: (() => void) | null;
};

function frameOf(user: string, state: State): string {
  if (state === "online") return encodeFrame({ type: "presence", user, state });
  return encodeFrame({ type: "presence", user, state: "offline", ...(state !== "offline" && { lastSeen: state }) });
}

export type PresenceOptions = {
  readonly store: Pick<Store, "seen" | "lastSeen">;
  readonly ties: Pick<Ties, "of">;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly report: (fault: unknown) => void;
  /** The other nodes, where there are any. */
  readonly cluster?: Pick<Cluster, "watch" | "unwatch" | "isElsewhere" | "present"> | undefined;
};

/** Of so many users it is remembered when they went: what is told must not wait for the store. */
const departuresMax = 10_000;
const minuteMs = 60_000;
const toMinute = (time: number): number => time - (time % minuteMs);

/**
 * Who is online, for those who watch them. A user is online while a connection of theirs is open, and for a grace after the
 * last one went; then they are offline, and were last seen when it went.
 *
 * Each watch keeps of whom its viewer was not told yet, and tells how they are by then: what a slow socket has dropped is told
 * later, and only the newest of it. Whom the viewer may not see is offline and was never seen, as is who does not exist.
 */
export function createPresence({ store, ties, policy, clock, limits, cluster, report }: PresenceOptions) {
  const leases = new Map<string, Lease>();
  const departures = createLru<string, number>(departuresMax);
  const watches = new Map<Viewer, Watch>();
  /** By whom each user is watched. */
  const watchers = new Map<string, Set<Watch>>();

  const isHere = (identity: Identity): boolean =>
    leases.has(identityKey(identity)) || (cluster?.isElsewhere(identity) ?? false);

  function note(lease: Lease): void {
    const time = toMinute(clock.now());
    lease.notedAt = clock.elapsed();
    departures.set(identityKey(lease.identity), time);
    store.seen(lease.identity, time);
  }

  function changed(identity: Identity): void {
    for (const watch of watchers.get(identityKey(identity)) ?? []) {
      watch.stale.add(identity.user);
      tell(watch);
    }
  }

  function tell(watch: Watch): void {
    if (watch.isTelling || watch.stale.size === 0) return;
    watch.isTelling = true;
    tellAll(watch)
      .catch(report)
      .finally(() => {
        watch.isTelling = false;
      });
  }

  const isCurrent = (watch: Watch): boolean => watches.get(watch.viewer) === watch;

  async function tellAll(watch: Watch): Promise<void> {
    while (watch.stale.size > 0 && isCurrent(watch)) {
      const users = [...watch.stale];
      watch.stale = new Set();
      let states: readonly State[];
      try {
        states = await describe(watch.viewer.session, users);
      } catch {
        // The store is away, and says so itself: the next beat asks again.
        for (const user of users) watch.stale.add(user);
        return;
      }
      if (!isCurrent(watch)) return;
      let isFull = false;
      for (const [i, user] of users.entries()) {
        // What has changed meanwhile is told in the next round.
        const state = states[i] ?? "offline";
        if (watch.stale.has(user) || watch.users.get(user) === state) continue;
        if (watch.viewer.hint(frameOf(user, state))) watch.users.set(user, state);
        else {
          watch.stale.add(user);
          isFull = true;
        }
      }
      // The socket is not keeping up: the next beat asks again.
      if (isFull) return;
    }
  }

  /** How each user is, as the viewer may know it. */
  async function describe(viewer: Identity, users: readonly string[]): Promise<readonly State[]> {
    const { tenant } = viewer;
    const visible = await seenBy(viewer, users);
    const away = users.filter((user, i) => visible[i] && !isHere({ tenant, user }));
    const lastSeen = away.length === 0 ? new Map<string, number>() : await store.lastSeen(tenant, away);
    return users.map((user, i) => {
      if (!visible[i]) return "offline";
      if (isHere({ tenant, user })) return "online";
      return Math.max(lastSeen.get(user) ?? 0, departures.get(identityKey({ tenant, user })) ?? 0) || "offline";
    });
  }

  /** Whether the viewer may see each of the users: oneself always, never behind a block, else as the host says. */
  async function seenBy(viewer: Identity, users: readonly string[]): Promise<readonly boolean[]> {
    const found = await ties.of(viewer, users);
    return await Promise.all(
      users.map(async (user, i) => {
        const tie = found[i];
        if (user === viewer.user) return true;
        if (!tie || isBlockedBetween(tie)) return false;
        if (policy.canSee) return await policy.canSee(viewer, { tenant: viewer.tenant, user });
        return tie.hasConversation || tie.isContact;
      }),
    );
  }

  function forget(viewer: Viewer): void {
    const watch = watches.get(viewer);
    if (!watch) return;
    watches.delete(viewer);
    for (const user of watch.users.keys()) {
      const key = identityKey({ tenant: viewer.session.tenant, user });
      const set = watchers.get(key);
      set?.delete(watch);
      if (set?.size !== 0) continue;
      watchers.delete(key);
      cluster?.unwatch({ tenant: viewer.session.tenant, user });
    }
  }

  return {
    /** A user has a connection. */
    arrived({ tenant, user }: Identity): void {
      const key = identityKey({ tenant, user });
      const known = leases.get(key);
      if (known) {
        known.cancelGrace?.();
        known.cancelGrace = null;
        return;
      }
      leases.set(key, { identity: { tenant, user }, notedAt: clock.elapsed(), cancelGrace: null });
      cluster?.present({ tenant, user }, true);
      changed({ tenant, user });
    },

    /** A user's last connection has gone. */
    departed(identity: Identity): void {
      const key = identityKey(identity);
      const lease = leases.get(key);
      if (!lease) return;
      note(lease);
      lease.cancelGrace?.();
      lease.cancelGrace = clock.after(limits.presenceGraceMs, () => {
        leases.delete(key);
        cluster?.present(lease.identity, false);
        changed(lease.identity);
      });
    },

    /** From now on the viewer is told how these are: at once, and whenever it changes. Replaces whom they watched before. */
    watch(viewer: Viewer, users: readonly string[]): void {
      forget(viewer);
      if (users.length === 0) return;
      const watch: Watch = { viewer, users: new Map(), stale: new Set(users), isTelling: false };
      for (const user of users) watch.users.set(user, null);
      watches.set(viewer, watch);
      for (const user of watch.users.keys()) {
        const identity = { tenant: viewer.session.tenant, user };
        const key = identityKey(identity);
        watchers.set(key, (watchers.get(key) ?? new Set()).add(watch));
        cluster?.watch(identity);
      }
      tell(watch);
    },

    /** The viewer's connection has gone. */
    forget,

    /** A user has come to another node, or left it. */
    moved: changed,

    /** What stands between two users has changed: each may now see of the other what they could not, or the reverse. */
    review(tenant: string, one: string, other: string): void {
      for (const [viewer, user] of [
        [one, other],
        [other, one],
      ] as const) {
        for (const watch of watchers.get(identityKey({ tenant, user })) ?? []) {
          if (watch.viewer.session.user !== viewer) continue;
          watch.stale.add(user);
          tell(watch);
        }
      }
    },

    /** Tells what could not be told, and notes who has been here for long. */
    beat(): void {
      for (const watch of watches.values()) tell(watch);
      const due = clock.elapsed() - limits.seenEveryMs;
      for (const lease of leases.values()) if (lease.cancelGrace === null && lease.notedAt <= due) note(lease);
    },

    /** Nobody waits any more for a grace to end. */
    stop(): void {
      for (const lease of leases.values()) lease.cancelGrace?.();
      leases.clear();
      for (const viewer of [...watches.keys()]) forget(viewer);
    },

    /** Sizes of what is held: 0 once everybody has left and the last grace is over. */
    sizes: () => ({ leases: leases.size, watches: watches.size, watched: watchers.size }),
  };
}

export type Presence = ReturnType<typeof createPresence>;
