import { createLru } from "../../internal/lru.ts";
import { sha256 } from "../../internal/sha256.ts";

/** So many refusals in a row, the first of them so long ago, and the address counts as dead. */
const refusalsMax = 5;
const refusedMsMin = 3_600_000;
/** What is forgotten is counted anew: an address lives a little longer. */
const addressesMax = 10_000;
const servicesMax = 100;

type Refused = { readonly count: number; readonly since: number; readonly others: number };

/**
 * Counts refusals that are for good and are of one address, but may be the sender's fault: keys that were changed, an account of another project. A
 * refusal counts where the same service has taken something for another address since the one before: while it refuses everybody the
 * fault is not the address's, and none is lost by it. Kept in memory alone.
 */
export function createRefusals() {
  const addresses = createLru<string, Refused>(addressesMax);
  /** How often each service has taken something. */
  const services = createLru<string, number>(servicesMax);

  return {
    /** The service has taken a notice for this address. */
    async taken(service: string, address: string): Promise<void> {
      services.set(service, (services.get(service) ?? 0) + 1);
      if (addresses.size > 0) addresses.delete(await sha256(address));
    },
    /** The service has refused this address; whether it has done so often enough for the address to count as dead. */
    async refused(service: string, address: string, now: number): Promise<boolean> {
      const name = await sha256(address);
      const others = services.get(service) ?? 0;
      const last = addresses.get(name);
      if (last?.others === others) return false;
      const next = { count: (last?.count ?? 0) + 1, since: last?.since ?? now, others };
      addresses.set(name, next);
      if (next.count < refusalsMax || now - next.since < refusedMsMin) return false;
      addresses.delete(name);
      return true;
    },
  };
}
