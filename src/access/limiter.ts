import { type Buckets, createBuckets } from "../internal/buckets.ts";
import type { Clock } from "../internal/clock.ts";
import { createTurns } from "../internal/turns.ts";
import { type Identity, identityKey } from "../model.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { Rate } from "../internal/buckets.ts";
import type { RateKind, Rates } from "../protocol/rates.ts";

/** Who does something: a user, an address, or both. By their names: what is done often must not make them anew. */
export type Doer = { readonly user?: string | undefined; readonly address?: string | undefined };

/** A user by name, and the address that they come from. */
export const doerOf = (identity: Identity, address?: string): Doer => ({ user: identityKey(identity), address });

export type LimiterOptions = {
  readonly rates: Rates;
  readonly clock: Clock;
  /** Units of work that may begin in one turn of the event loop. */
  readonly turnUnitsMax?: number;
};

/** A refusal is held back for so long at most, and no debt of refusals takes longer to pay back, in milliseconds. */
const refusalMsMax = 250;

/**
 * What each user and each address may do on this node. All that anybody causes is paid for out of one bucket of work: before it is done
 * where its cost is known, after it where it is not. Beside it a host may count messages.
 */
export function createLimiter({ rates, clock, turnUnitsMax = defaultLimits.turnUnitsMax }: LimiterOptions) {
  const bucketsOf = (rate: Rate | null): Buckets | null => rate && createBuckets(rate, clock);
  const both = (kind: RateKind) => ({ users: bucketsOf(rates[kind].user), addresses: bucketsOf(rates[kind].address) });
  const work = both("work");
  const sends = both("sends");
  const turns = createTurns({ clock, unitsMax: turnUnitsMax });

  const nameOf = ({ user, address }: Doer): string => user ?? address ?? "";

  /** Of both or of none; 0, or for how many milliseconds one of them does not have it. */
  function take({ users, addresses }: ReturnType<typeof both>, { user, address }: Doer, count: number): number {
    const addressMs = address === undefined ? 0 : (addresses?.take(address, count) ?? 0);
    if (addressMs > 0) return addressMs;
    const userMs = user === undefined ? 0 : (users?.take(user, count) ?? 0);
    if (userMs > 0 && address !== undefined) addresses?.giveBack(address, count);
    return userMs;
  }

  function giveBack({ users, addresses }: ReturnType<typeof both>, { user, address }: Doer, count: number): void {
    if (user !== undefined) users?.giveBack(user, count);
    if (address !== undefined) addresses?.giveBack(address, count);
  }

  function spend({ user, address }: Doer, units: number, msMax?: number): number {
    const userMs = user === undefined ? 0 : (work.users?.spend(user, units, msMax) ?? 0);
    const addressMs = address === undefined ? 0 : (work.addresses?.spend(address, units, msMax) ?? 0);
    return Math.max(userMs, addressMs);
  }

  function pay(doer: Doer, units: number, msMax?: number): void | Promise<void> {
    const ms = spend(doer, units, msMax);
    const name = nameOf(doer);
    if (ms === 0) return turns.take(name, units);
    return new Promise<void>((resolve) => void clock.after(Math.ceil(ms), resolve)).then(() => turns.take(name, units));
  }

  return {
    /** Takes what something costs: 0 where it may be done; else how many milliseconds to wait, and nothing was taken. */
    take: (doer: Doer, units: number): number => take(work, doer, units),

    /** The same of a message, which is counted too. */
    takeSend(doer: Doer, units: number): number {
      const ms = take(work, doer, units);
      if (ms > 0) return ms;
      const countMs = take(sends, doer, 1);
      if (countMs > 0) giveBack(work, doer, units);
      return countMs;
    },

    /** What something has cost beyond what was taken for it: who is in debt waits, and pays it back with time. */
    spend: (doer: Doer, units: number): void => void spend(doer, units),

    /**
     * For what may wait: takes its cost, and resolves once that is paid and there is room for it in a turn of the event loop; nothing
     * where that is now.
     */
    pay: (doer: Doer, units: number): void | Promise<void> => pay(doer, units),

    /**
     * The same of a refusal: it is read and answered too, so whoever goes on all the same is answered no faster than they can pay for it.
     * It makes nobody wait for long.
     */
    payRefusal: (doer: Doer, units: number): void | Promise<void> => pay(doer, units, refusalMsMax),

    /** For what is paid already, and may wait: resolves once there is room for it in a turn of the event loop. */
    turn: (doer: Doer, units: number): void | Promise<void> => turns.take(nameOf(doer), units),

    /** How many buckets are not full, and how many names wait for a turn. */
    sizes: () => ({ buckets: (work.users?.size() ?? 0) + (work.addresses?.size() ?? 0), turns: turns.size() }),
  };
}

export type Limiter = ReturnType<typeof createLimiter>;
