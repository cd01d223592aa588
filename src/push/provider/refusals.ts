import { createLru } from "../../internal/lru.ts";
import { sha256 } from "../../internal/sha256.ts";

/** After this many refusals in a row, over at least this time, an address counts as dead. */
const refusalsMax = 5;
const refusedMsMin = 3_600_000;
/** An address that was dropped from the memory is counted from 0 again: it lives a little longer. */
const addressesMax = 10_000;
const servicesMax = 100;

type Refused = { readonly count: number; readonly since: number; readonly others: number };

/**
 * Counts final refusals of one address that may be the sender's fault: changed keys, an account of another project. A refusal counts only if the service
 * has accepted a notice for another address since the previous one: while it refuses all addresses, none of them is lost. Kept in memory only.
 */
export function createRefusals() {
  const addresses = createLru<string, Refused>(addressesMax);
  /** How many notices each service has accepted. */
  const services = createLru<string, number>(servicesMax);

  return {
    /** The service has accepted a notice for this address. */
    async taken(service: string, address: string): Promise<void> {
      services.set(service, (services.get(service) ?? 0) + 1);
      if (addresses.size > 0) addresses.delete(await sha256(address));
    },
    /** The service has refused this address; whether the address counts as dead now. */
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
