import { doerOf, type Limiter } from "../access/limiter.ts";
import { type WireChange, wireChange } from "../connection/changes-writer.ts";
import { isChange, levelOf, payerOf } from "../log/log-kinds.ts";
import type { LogEntry } from "../model.ts";
import { costs } from "../protocol/costs.ts";
import type { Limits } from "../protocol/limits.ts";
import type { GroupPresences } from "./group-presences.ts";
import type { Here, Registry } from "./registry.ts";

/** The price of a message includes this number of deliveries. */
const deliveriesMax = 4;

/**
 * Queues one stretch of the log on the connections of the users who must get it, in the order of n. A change is encoded once, and only if one
 * of these users is connected here. Deliveries to many connections are paid for by the author of the change.
 */
export function createFanOut(
  {
    registry,
    groups,
    limits,
  }: {
    readonly registry: Registry;
    readonly groups: GroupPresences;
    readonly limits: Pick<Limits, "groupReceiptsMax">;
  },
  limiter: Pick<Limiter, "spend"> | undefined,
) {
  return (entries: readonly LogEntry[], upTo: number): void => {
    groups.note(entries, upTo);
    for (const { tenant, users, group, change, origin } of entries) {
      if (!isChange(change)) continue;
      const level = levelOf(change);
      let wire: WireChange | undefined;
      // A large group has no delivered marks of single members: their acks gather for longer.
      const isOfMany = group !== undefined && groups.count(group) > limits.groupReceiptsMax;
      let deliveries = 0;
      const deliver = (here: Here): void => {
        here.lastN = change.n;
        wire ??= wireChange(change, { isOfMany });
        deliveries += here.connections.size;
        const queued = wire;
        here.connections.each((connection) =>
          connection.outgoing.queueChange(connection === origin || connection.level < level ? null : queued, upTo),
        );
      };
      // A node of an older release names the user of a conversation with oneself twice.
      for (const user of new Set(users)) {
        const here = registry.find(tenant, user);
        if (here) deliver(here);
      }
      if (group !== undefined) groups.each(group, change.n, deliver);
      if (deliveries <= deliveriesMax || !wire) continue;
      const payer = payerOf(change);
      if (payer === null) continue;
      const units = (deliveries - deliveriesMax) * (costs.delivery + (costs.deliveredKib * wire.bytes) / 1_024);
      limiter?.spend(doerOf({ tenant, user: payer }), units);
    }
  };
}
