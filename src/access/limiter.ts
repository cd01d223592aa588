import { type Buckets, createBuckets, type Rate } from "../internal/buckets.ts";
import { type Clock, pause } from "../internal/clock.ts";
import { createTurns } from "../internal/turns.ts";
import { type Identity, identityKey } from "../model.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { RateKind, Rates } from "../protocol/rates.ts";

/** A user, an address, or both, by their names: frequent work must not build these each time. */
export type Doer = { readonly user?: string | undefined; readonly address?: string | undefined };

/** A user by name, and the address that they come from. */
export const doerOf = (identity: Identity, address?: string): Doer => ({ user: identityKey(identity), address });

export type LimiterOptions = {
  readonly rates: Rates;
  readonly clock: Clock;
  /** Units of work that may begin in one turn of the event loop. */
  readonly turnUnitsMax?: number;
};

/** The longest that a refusal is delayed, and the largest debt of refusals, in milliseconds. */
const refusalMsMax = 250;

/**
 * Limits what each user and each address may do on this node. All work is paid from one bucket of units: in advance where its cost is known,
 * afterwards where it is not. A host may limit the number of messages as well.
 */
export type Limiter = {
  /** Takes a cost: 0 where the work may be done; else the milliseconds to wait, and nothing was taken. */
  take(doer: Doer, units: number): number;
  /** The same for a message, which is counted too. */
  takeSend(doer: Doer, units: number): number;
  /** Takes a cost that was found out afterwards. A bucket in debt refuses until time has paid it back. */
  spend(doer: Doer, units: number): void;
  /**
   * For work that may wait: takes its cost, and resolves once that is paid and a turn of the event loop has room for it; returns nothing
   * where both hold now.
   */
  pay(doer: Doer, units: number): void | Promise<void>;
  /**
   * The same for a refusal, with a bounded wait. Refusals are read and answered too: a client that goes on regardless is answered no faster
   * than it can pay.
   */
  payRefusal(doer: Doer, units: number): void | Promise<void>;
  /** For work that is paid and may wait: resolves once a turn of the event loop has room for it. */
  turn(doer: Doer, units: number): void | Promise<void>;
  /** How many buckets are not full, and how many names wait for a turn. */
  sizes(): { readonly buckets: number; readonly turns: number };
};

export function createLimiter({ rates, clock, turnUnitsMax = defaultLimits.turnUnitsMax }: LimiterOptions): Limiter {
  const bucketsOf = (rate: Rate | null): Buckets | null => rate && createBuckets(rate, clock);
  const both = (kind: RateKind) => ({ users: bucketsOf(rates[kind].user), addresses: bucketsOf(rates[kind].address) });
  const work = both("work");
  const sends = both("sends");
  const turns = createTurns({ clock, unitsMax: turnUnitsMax });

  const nameOf = ({ user, address }: Doer): string => user ?? address ?? "";

  /** Takes from both or from none: 0, or the milliseconds until both have enough. */
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
    return pause(clock, Math.ceil(ms)).then(() => turns.take(name, units));
  }

  return {
    take: (doer, units) => take(work, doer, units),

    takeSend(doer, units) {
      const ms = take(work, doer, units);
      if (ms > 0) return ms;
      const countMs = take(sends, doer, 1);
      if (countMs > 0) giveBack(work, doer, units);
      return countMs;
    },

    spend: (doer, units) => void spend(doer, units),

    pay: (doer, units) => pay(doer, units),

    payRefusal: (doer, units) => pay(doer, units, refusalMsMax),

    turn: (doer, units) => turns.take(nameOf(doer), units),

    sizes: () => ({ buckets: (work.users?.size() ?? 0) + (work.addresses?.size() ?? 0), turns: turns.size() }),
  };
}
