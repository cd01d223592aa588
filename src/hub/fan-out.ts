import type { LogEntry } from "../store/store.ts";
import { costs } from "../protocol/costs.ts";
import { levelOf } from "../protocol/level.ts";
import { doerOf, type Limiter } from "../access/limiter.ts";
import type { Registry } from "./registry.ts";
import { type WireChange, wireChange } from "../connection/changes-writer.ts";

/** The connections to which a message goes out for the units of its send. */
const deliveriesMax = 4;

/**
 * Queues one stretch of the log on the connections of the users that it concerns, in the order of n. A change is
 * encoded once, and only for a user who is here. The sender of a message that goes out to many connections pays for them.
 */
export function createFanOut(registry: Registry, limiter: Pick<Limiter, "spend"> | undefined) {
  return (entries: readonly LogEntry[], upTo: number): void => {
    for (const { tenant, users, change, origin } of entries) {
      // Nodes read it; clients do not.
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
