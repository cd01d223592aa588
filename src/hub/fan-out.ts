import type { LogEntry } from "../store/store.ts";
import { costs } from "../protocol/costs.ts";
import { levelOf } from "../protocol/level.ts";
import { doerOf, type Limiter } from "../access/limiter.ts";
import type { Registry } from "./registry.ts";
import { type WireChange, wireChange } from "../connection/changes-writer.ts";

/** To so many connections a message goes out for what it costs anyway. */
const deliveriesMax = 4;

/**
 * Takes one stretch of the log to the connections of the users that it concerns, in the order of n. A change is
 * encoded once, and only if somebody is here for it. What goes out to many connections is paid for by whoever wrote it.
 */
export function createFanOut(registry: Registry, limiter: Pick<Limiter, "spend"> | undefined) {
  return (entries: readonly LogEntry[], upTo: number): void => {
    for (const { tenant, users, change, origin } of entries) {
      // It is for the nodes, not for clients.
      if (change.kind === "revocation") continue;
      const level = levelOf(change);
      let wire: WireChange | undefined;
      let deliveries = 0;
      for (const user of users) {
        const here = registry.find(tenant, user);
        if (!here) continue;
        here.lastN = change.n;
        wire ??= wireChange(change);
        deliveries += here.connections.size;
        for (const connection of here.connections)
          connection.outgoing.queueChange(connection === origin || connection.level < level ? null : wire, upTo);
      }
      if (deliveries <= deliveriesMax || !wire || change.kind !== "message") continue;
      const units = (deliveries - deliveriesMax) * (costs.delivery + (costs.deliveredKib * wire.bytes) / 1_024);
      limiter?.spend(doerOf({ tenant, user: change.from }), units);
    }
  };
}
