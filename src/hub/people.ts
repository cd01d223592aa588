import { createCluster } from "./cluster.ts";
import type { HubOptions } from "./hub-options.ts";
import { createPresence, type Presence } from "./presence.ts";
import type { Registry } from "./registry.ts";
import { createRelationshipCache } from "./relationship-cache.ts";
import type { WatchBudget } from "./watch-budget.ts";
import type { Connection } from "../connection/connection.ts";
import type { Clock } from "../internal/clock.ts";
import type { Identity } from "../model.ts";
import { levelMin } from "../protocol/level.ts";

export type PeopleOptions = Pick<HubOptions, "store" | "feed" | "clock" | "limits" | "policy" | "transport"> & {
  readonly node: string;
  /** Leaves out the time in which this process was frozen. */
  readonly awake: Clock;
  readonly registry: Registry;
  readonly watchBudget: WatchBudget;
  readonly report: (fault: unknown) => void;
};

/** The state of users beside the log, on all nodes: their presence, relationships and volatile frames. */
export function createPeople(options: PeopleOptions) {
  const { store, feed, clock, awake, limits, policy, transport, node, registry, watchBudget, report } = options;
  const connectionsOf = ({ tenant, user }: Identity): Iterable<Connection> =>
    registry.find(tenant, user)?.connections ?? [];

  function sendHere(identity: Identity, text: string, level: number): void {
    for (const connection of connectionsOf(identity))
      if (connection.level >= level) connection.outgoing.sendVolatile(text);
  }

  const cluster =
    transport &&
    createCluster({
      ...{ transport, feed, clock: awake, node, onFrame: sendHere, audienceNodesMin: limits.audienceNodesMin },
      devicesOf: (identity) =>
        Array.from(connectionsOf(identity), ({ device, health }) => [device, health.idleMs()] as const),
      isPresent: (identity) => presence.isHere(identity),
      onPresence: (identity) => presence.moved(identity),
    });
  const relationships = createRelationshipCache({
    ...{ store, feed, clock },
    onChange: (tenant, one, other) => presence.review(tenant, one, other),
  });
  const presence: Presence = createPresence({
    ...{ store, relationships, policy, clock: awake, limits, cluster, budget: watchBudget, report },
    viewersOf: connectionsOf,
  });

  return {
    presence,
    relationships,
    /** Sends a volatile frame to all open connections of a user that have at least this level; default: to all of them. */
    sendVolatile({ tenant, user }: Identity, text: string, level = levelMin): void {
      sendHere({ tenant, user }, text, level);
      cluster?.sendFrame({ tenant, user }, text, level);
    },
    /** A user has one more open connection. */
    joined(identity: Identity): void {
      cluster?.join(identity);
      presence.arrived(identity);
    },
    /** A user's last open connection has gone. */
    left(identity: Identity): void {
      cluster?.leave(identity);
      presence.departed(identity);
    },
    /** See `Hub`. */
    idleMs(identity: Identity, wanted: string): number | null | "unknown" {
      let least: number | null = null;
      for (const { device, health } of connectionsOf(identity))
        if (wanted === "" || device === wanted) least = Math.min(least ?? Infinity, health.idleMs());
      return least ?? cluster?.idleMs(identity, wanted) ?? null;
    },
    stop(): void {
      presence.stop();
      cluster?.stop();
    },
    sizes: (): ReturnType<Presence["sizes"]> => ({ ...presence.sizes(), ...cluster?.sizes() }),
  };
}

export type People = ReturnType<typeof createPeople>;
