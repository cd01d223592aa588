import type { Clock } from "../internal/clock.ts";
import { createLru } from "../internal/lru.ts";
import { type Identity, identityKey } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";
import type { Cluster } from "./cluster.ts";
import { createGraces } from "./graces.ts";
import type { Policy } from "../access/policy.ts";
import type { RelationshipCache } from "./relationship-cache.ts";
import { connectionsAtOnce } from "./turns.ts";
import type { WatchBudget } from "./watch-budget.ts";
import { createWatches, type Viewer } from "./watches.ts";

/** Somebody who is here, or was until a moment ago. */
type Lease = { readonly identity: Identity; notedAt: number };

export type PresenceOptions = {
  readonly store: Pick<Store, "seen" | "lastSeen">;
  readonly ties: Pick<RelationshipCache, "ofMany">;
  readonly policy: Pick<Policy, "canSee">;
  /** Leaves out the time in which this process was frozen: who comes back just after it was not away. */
  readonly clock: Clock;
  readonly limits: Limits;
  readonly report: (fault: unknown) => void;
  /** What may be watched over all connections. */
  readonly budget: WatchBudget;
  /** The connections of a user. */
  readonly viewersOf: (identity: Identity) => Iterable<Viewer>;
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
 */
export function createPresence(options: PresenceOptions) {
  const { store, clock, limits, cluster } = options;
  /** In the order in which it was last noted that they were here. */
  const leases = new Map<string, Lease>();
  /** Those who have come, and of whom that was not noted yet, in the order of their coming. */
  const unnoted = new Map<string, { readonly lease: Lease; readonly cameAt: number }>();
  const departures = createLru<string, number>(departuresMax);

  const watches = createWatches({
    ...options,
    isHere: (identity) => leases.has(identityKey(identity)) || (cluster?.isElsewhere(identity) ?? false),
    leftAt: (identity) => departures.get(identityKey(identity)) ?? 0,
  });

  const graces = createGraces<Lease>({
    clock,
    graceMs: limits.presenceGraceMs,
    onEnd(key, { identity }) {
      leases.delete(key);
      cluster?.present(identity, false);
      watches.moved(identity);
    },
  });

  function note(key: string, lease: Lease): void {
    const time = toMinute(clock.now());
    lease.notedAt = clock.elapsed();
    unnoted.delete(key);
    leases.delete(key);
    leases.set(key, lease);
    departures.set(key, time);
    store.seen(lease.identity, time);
  }

  /** A crash must not take too much: it is noted from time to time that they are here. */
  function noteThoseWhoStay(): void {
    const now = clock.elapsed();
    const due = now - limits.seenEveryMs;
    const noted: [string, Lease][] = [];
    for (const [key, { lease, cameAt }] of unnoted) {
      if (cameAt > now - limits.seenFirstMs || noted.length === connectionsAtOnce) break;
      noted.push([key, lease]);
    }
    for (const [key, lease] of leases) {
      if (lease.notedAt > due || noted.length === connectionsAtOnce) break;
      if (!graces.has(key) && !unnoted.has(key)) noted.push([key, lease]);
    }
    for (const [key, lease] of noted) note(key, lease);
  }

  return {
    /** A user has a connection. */
    arrived({ tenant, user }: Identity): void {
      const key = identityKey({ tenant, user });
      if (leases.has(key)) return graces.cancel(key);
      const lease = { identity: { tenant, user }, notedAt: clock.elapsed() };
      leases.set(key, lease);
      unnoted.set(key, { lease, cameAt: lease.notedAt });
      cluster?.present({ tenant, user }, true);
      watches.moved({ tenant, user });
    },

    /** Whether a user is online here: has a connection, or had one until a moment ago. */
    isHere: (identity: Identity): boolean => leases.has(identityKey(identity)),

    /** A user's last connection has gone. */
    departed(identity: Identity): void {
      const key = identityKey(identity);
      const lease = leases.get(key);
      if (!lease) return;
      note(key, lease);
      graces.start(key, lease);
    },

    /**
     * From now on the viewer is told how these are: soon, and whenever it changes. Replaces whom they watched before. False where the process
     * has no room for so many: then they watch whom they watched before.
     */
    watch: watches.watch,

    /** The viewer's connection has gone. */
    forget: watches.forget,

    /** A user has come to another node, or left it. */
    moved: watches.moved,

    /** What stands between two users has changed: each may now see of the other what they could not, or the reverse. */
    review: watches.review,

    /** Tells what could not be told, and notes who has been here for long. */
    beat(): void {
      watches.beat();
      noteThoseWhoStay();
    },

    /** Nobody waits any more for a grace to end. */
    stop(): void {
      graces.stop();
      leases.clear();
      unnoted.clear();
      watches.stop();
    },

    /** Sizes of what is held: 0 once everybody has left and the last grace is over. */
    sizes: () => ({ leases: leases.size, unnoted: unnoted.size, ...watches.sizes() }),
  };
}

export type Presence = ReturnType<typeof createPresence>;
