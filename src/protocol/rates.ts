import type { Rate } from "../internal/buckets.ts";

/**
 * The limits of one user, and of one address: at once, and per second after that. `work` is in units of work (`costs.ts`), about a
 * microsecond of the server each, and counts all that a user causes: messages, frames, upgrades, requests, and their actual
 * reads and writes. The defaults stop floods, and do not affect a person, a busy bot or a shared office.
 */
export const defaultRates = {
  /** A user has a seventh of a core: 3 000 messages a second, or 100 upgrades, or 2 000 small requests. An address has five times that. */
  work: { user: { burst: 1_500_000, perS: 150_000 }, address: { burst: 7_500_000, perS: 750_000 } },
  /**
   * Messages, over sockets and HTTP together, in addition to their cost: an app for human users sets `user` to something like `{ burst: 60,
   * perS: 1 }`.
   */
  sends: { user: null, address: null },
} as const satisfies Rates;

/** null: without a limit. */
export type Rates = {
  readonly [Kind in RateKind]: { readonly user: Rate | null; readonly address: Rate | null };
};

export type RateKind = "work" | "sends";

/** Parts of the table that a host replaces. */
export type RateOptions = {
  readonly [Kind in RateKind]?: { readonly user?: Rate | null; readonly address?: Rate | null };
};

const kinds = ["work", "sends"] as const satisfies readonly RateKind[];

/** The table with the host's replacements. */
export function ratesOf(options: RateOptions = {}): Rates {
  const merged = kinds.map((kind) => [kind, { ...defaultRates[kind], ...options[kind] }]);
  return Object.fromEntries(merged) as Rates;
}

/** The replacement of the rates that counted upgrades and other requests. */
export const goneRatesText =
  "upgrades, frames and requests are paid for by what they cost now: set work, in units of about a microsecond of the server, in place of connects and lookups";

/** Why a host's parts of the table cannot work; null where they can. */
export function validateRates(options: RateOptions = {}): string | null {
  for (const name of Object.keys(options))
    if (!kinds.some((kind) => kind === name)) return `${name} is no rate; ${goneRatesText}`;
  const rates = ratesOf(options);
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
