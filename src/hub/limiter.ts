import { createBuckets } from "../internal/buckets.ts";
import type { Clock } from "../internal/clock.ts";
import { type Identity, identityKey } from "../model.ts";
import type { RateKind, Rates } from "../protocol/rates.ts";

/** Who does something: a user, an address, or both. */
export type Doer = { readonly identity?: Identity | undefined; readonly address?: string | undefined };

/** What each user and each address may do, by one table, on this node. */
export function createLimiter({ rates, clock }: { readonly rates: Rates; readonly clock: Clock }) {
  const bucketsOf = (kind: RateKind) => {
    const { user, address } = rates[kind];
    return { user: user && createBuckets(user, clock), address: address && createBuckets(address, clock) };
  };
  const kinds = { sends: bucketsOf("sends"), connects: bucketsOf("connects"), lookups: bucketsOf("lookups") };

  return {
    /** 0 where it may; else how many milliseconds to wait. What one of the two may not, counts for neither. */
    take(kind: RateKind, { identity, address }: Doer): number {
      const { user: users, address: addresses } = kinds[kind];
      const addressMs = address === undefined ? 0 : (addresses?.take(address) ?? 0);
      if (addressMs > 0) return addressMs;
      const userMs = identity === undefined ? 0 : (users?.take(identityKey(identity)) ?? 0);
      if (userMs > 0 && address !== undefined) addresses?.giveBack(address);
      return userMs;
    },
  };
}

export type Limiter = ReturnType<typeof createLimiter>;
