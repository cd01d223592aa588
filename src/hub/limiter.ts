import { type Buckets, createBuckets } from "../internal/buckets.ts";
import type { Clock } from "../internal/clock.ts";
import { createTurns } from "../internal/turns.ts";
import { type Identity, identityKey } from "../model.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { Rate } from "../internal/buckets.ts";
import type { RateKind, Rates } from "../protocol/rates.ts";

/** Who does something: a user, an address, or both. */
export type Doer = { readonly identity?: Identity | undefined; readonly address?: string | undefined };

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

  const nameOf = ({ identity, address }: Doer): string => (identity ? identityKey(identity) : (address ?? ""));

  type Share = { readonly buckets: Buckets; readonly name: string; readonly count: number };

  function sharesOf({ users, addresses }: ReturnType<typeof both>, doer: Doer, count: number): readonly Share[] {
    const { identity, address } = doer;
    return [
      ...(addresses && address !== undefined ? [{ buckets: addresses, name: address, count }] : []),
      ...(users && identity ? [{ buckets: users, name: identityKey(identity), count }] : []),
    ];
  }

  /** All of them or none; 0, or for how many milliseconds one of them does not have it. */
  function takeAll(shares: readonly Share[]): number {
    for (const [i, { buckets, name, count }] of shares.entries()) {
      const ms = buckets.take(name, count);
      if (ms === 0) continue;
      for (const taken of shares.slice(0, i)) taken.buckets.giveBack(taken.name, taken.count);
      return ms;
    }
    return 0;
  }

  function spend(doer: Doer, units: number, msMax?: number): number {
    const waits = sharesOf(work, doer, units).map(({ buckets, name, count }) => buckets.spend(name, count, msMax));
    return Math.max(0, ...waits);
  }

  function pay(doer: Doer, units: number, msMax?: number): void | Promise<void> {
    const ms = spend(doer, units, msMax);
    const name = nameOf(doer);
    if (ms === 0) return turns.take(name, units);
    return new Promise<void>((resolve) => void clock.after(Math.ceil(ms), resolve)).then(() => turns.take(name, units));
  }

  return {
    /** Takes what something costs: 0 where it may be done; else how many milliseconds to wait, and nothing was taken. */
    take: (doer: Doer, units: number): number => takeAll(sharesOf(work, doer, units)),

    /** The same of a message, which is counted too. */
    takeSend: (doer: Doer, units: number): number =>
      takeAll([...sharesOf(work, doer, units), ...sharesOf(sends, doer, 1)]),

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
