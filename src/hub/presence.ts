import { createGraceTimers } from "./grace-timers.ts";
import { connectionsAtOnce } from "./in-turns.ts";
import { createWatches, type Watches, type WatchesOptions } from "./watches.ts";
import type { Cluster } from "./cluster.ts";
import { createLru } from "../internal/lru.ts";
import { type Identity, identityKey } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";

/** A user who is online on this node: connected, or within the grace after their last connection. */
type OnlineEntry = Identity & {
  /** When it was last noted that the user is online; before the first time, when the user came. */
  notedAt: number;
};

export type PresenceOptions = Omit<WatchesOptions, "isHere" | "leftAt"> & {
  readonly store: Pick<Store, "seen" | "lastSeen">;
  readonly limits: Limits;
  /** The other nodes, where there are any. */
  readonly cluster?: Pick<Cluster, "watch" | "unwatch" | "isElsewhere" | "sendPresence"> | undefined;
};

/**
 * Who is online, for the connections that watch them. A user is online while a connection of theirs is open, and for a grace after the
 * last one went; then they are offline, and were last seen when it went. The clock leaves out the time in which this process was frozen: a
 * user is not away if they are back just after it.
 */
export type Presence = Pick<Watches, "watch" | "forget" | "moved" | "review"> & {
  /** A user has a connection. */
  arrived(identity: Identity): void;
  /** A user's last connection has gone. */
  departed(identity: Identity): void;
  /** Whether a user is online here. */
  isHere(identity: Identity): boolean;
  /** Sends the states that could not be sent, and notes which users stay online. */
  beat(): void;
  /** Forgets all graces and watches. */
  stop(): void;
  /** Each is 0 once all connections are gone and the last grace is over. */
  sizes(): { readonly online: number; readonly unnoted: number } & ReturnType<Watches["sizes"]>;
};

/** Departures that are remembered: they are known before the store has them. */
const departuresMax = 10_000;
const minuteMs = 60_000;
const toMinute = (time: number): number => time - (time % minuteMs);

export function createPresence(options: PresenceOptions): Presence {
  const { store, clock, limits, cluster } = options;
  /** In the order in which it was last noted that they are online. */
  const online = new Map<string, OnlineEntry>();
  /** Users who have come and were not noted yet, in the order of their coming. */
  const unnoted = new Map<string, OnlineEntry>();
  const departures = createLru<string, number>(departuresMax);

  const watches = createWatches({
    ...options,
    isHere: (identity) => online.has(identityKey(identity)) || (cluster?.isElsewhere(identity) ?? false),
    leftAt: (identity) => departures.get(identityKey(identity)) ?? 0,
  });

  const graces = createGraceTimers<OnlineEntry>({
    clock,
    graceMs: limits.presenceGraceMs,
    onEnd(key, identity) {
      online.delete(key);
      cluster?.sendPresence(identity, false);
      watches.moved(identity);
    },
  });

  function note(key: string, entry: OnlineEntry): void {
    const time = toMinute(clock.now());
    entry.notedAt = clock.elapsed();
    unnoted.delete(key);
    online.delete(key);
    online.set(key, entry);
    departures.set(key, time);
    store.seen(entry, time);
  }

  /** Notes from time to time that users are online: a crash loses little of when they were last seen. */
  function noteThoseWhoStay(): void {
    const now = clock.elapsed();
    const due = now - limits.seenEveryMs;
    const noted: [string, OnlineEntry][] = [];
    for (const [key, entry] of unnoted) {
      if (entry.notedAt > now - limits.seenFirstMs || noted.length === connectionsAtOnce) break;
      noted.push([key, entry]);
    }
    for (const [key, entry] of online) {
      if (entry.notedAt > due || noted.length === connectionsAtOnce) break;
      if (!graces.has(key) && !unnoted.has(key)) noted.push([key, entry]);
    }
    for (const [key, entry] of noted) note(key, entry);
  }

  return {
    watch: watches.watch,
    forget: watches.forget,
    moved: watches.moved,
    review: watches.review,
    arrived({ tenant, user }) {
      const key = identityKey({ tenant, user });
      if (online.has(key)) return graces.cancel(key);
      const entry = { tenant, user, notedAt: clock.elapsed() };
      online.set(key, entry);
      unnoted.set(key, entry);
      cluster?.sendPresence({ tenant, user }, true);
      watches.moved({ tenant, user });
    },
    isHere: (identity) => online.has(identityKey(identity)),
    departed(identity) {
      const key = identityKey(identity);
      const entry = online.get(key);
      if (!entry) return;
      note(key, entry);
      graces.start(key, entry);
    },
    beat() {
      watches.beat();
      noteThoseWhoStay();
    },
    stop() {
      graces.stop();
      online.clear();
      unnoted.clear();
      watches.stop();
    },
    sizes: () => ({ online: online.size, unnoted: unnoted.size, ...watches.sizes() }),
  };
}
