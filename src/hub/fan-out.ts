import type { LogEntry } from "../store/store.ts";
import type { Registry } from "./registry.ts";
import { type WireChange, wireChange } from "./tail.ts";

/**
 * Takes one stretch of the log to the connections of the users that it concerns, in the order of n. A change is
 * encoded once, and only if somebody is here for it.
 */
export function createFanOut(registry: Registry) {
  return (entries: readonly LogEntry[], upTo: number): void => {
    for (const { tenant, users, change, origin } of entries) {
      // It is for the nodes, not for clients.
      if (change.kind === "revocation") continue;
      let wire: WireChange | undefined;
      for (const user of users) {
        const here = registry.find(tenant, user);
        if (!here) continue;
        here.lastN = change.n;
        wire ??= wireChange(change);
        for (const connection of here.connections) connection.offer(connection === origin ? null : wire, upTo);
      }
    }
  };
}
