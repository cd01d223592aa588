import type { Rate } from "../internal/buckets.ts";

/**
 * How much one user, and one address, may do: at once, and a second after that. The defaults stop floods and nothing that a person, a
 * busy bot or a shared office does; an app whose users are people sets `sends.user` to something like `{ burst: 60, perS: 1 }`.
 */
export const defaultRates = {
  /** Messages, over sockets and HTTP together. */
  sends: { user: { burst: 30_000, perS: 3_000 }, address: { burst: 100_000, perS: 10_000 } },
  /** Upgrades, those that are refused too: an address before anybody is asked who it is, a user after. */
  connects: { user: { burst: 1_000, perS: 50 }, address: { burst: 3_000, perS: 100 } },
  /**
   * `watch` and `typing` frames, and requests over HTTP: an address' all of them, before anybody is asked who it is, a user's those that
   * are no messages. Less for an address than its sends would bound what it may send.
   */
  lookups: { user: { burst: 20_000, perS: 2_000 }, address: { burst: 150_000, perS: 15_000 } },
} as const satisfies Rates;

/** null: without a limit. */
export type Rates = {
  readonly [Kind in RateKind]: { readonly user: Rate | null; readonly address: Rate | null };
};

export type RateKind = "sends" | "connects" | "lookups";

/** Parts of the table that a host replaces. */
export type RateOptions = {
  readonly [Kind in RateKind]?: { readonly user?: Rate | null; readonly address?: Rate | null };
};

const kinds = ["sends", "connects", "lookups"] as const satisfies readonly RateKind[];

/** The table with what a host replaces of it. */
export function ratesOf(options: RateOptions = {}): Rates {
  const merged = kinds.map((kind) => [kind, { ...defaultRates[kind], ...options[kind] }]);
  return Object.fromEntries(merged) as Rates;
}

/** Why a table cannot work; null where it can. */
export function faultOfRates(rates: Rates): string | null {
  for (const kind of kinds)
    for (const who of ["user", "address"] as const) {
      const rate = rates[kind][who];
      if (rate === null) continue;
      for (const value of [rate.burst, rate.perS])
        if (!Number.isFinite(value) || value <= 0) return `${kind}.${who} has ${value}, and must have numbers above 0`;
      if (rate.burst < 1) return `${kind}.${who}.burst is ${rate.burst}, and must be at least 1`;
    }
  return null;
}
