import type { Log } from "../internal/logger.ts";
import { ChatError } from "../error.ts";
import type { Clock } from "../internal/clock.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Place } from "./entry.ts";

/** What names a database. */
export type Named = { readonly url: string };

/** The host's own; null: there is no such tenant. */
export type DatabaseOf<N extends Named> = (tenant: string) => N | null | Promise<N | null>;

export type DirectoryOptions<N extends Named> = {
  readonly databaseOf: DatabaseOf<N>;
  readonly clock: Clock;
  /** How long the host may think. */
  readonly answerMs: number;
  /** How long the host is not asked again about a tenant with whom it failed. */
  readonly pauseMs: number;
  readonly log: Log;
};

/** Tenants whose place is remembered; of any other the host is asked again. */
const tenantsMax = 100_000;

/** Which tenant's database is where: as the host says, and of those that are open without asking it again. */
export function createDirectory<N extends Named>(options: DirectoryOptions<N>) {
  const { databaseOf, clock, answerMs, pauseMs, log } = options;
  const asking = new Map<string, Promise<N | null>>();
  const refusals = new Map<string, { readonly error: ChatError; readonly until: number }>();
  const places = new Map<string, Place>();
  const tenants = new Map<Place, Set<string>>();

  async function answerOf(tenant: string): Promise<N | null> {
    const asked = Promise.resolve(databaseOf(tenant));
    const named = await withDeadline(asked, { clock, ms: answerMs, who: "The host, asked for a tenant's database," });
    // The host may be plain JavaScript.
    if (named !== null && typeof named?.url !== "string") throw new TypeError("A database has a url");
    return named;
  }

  /** Whoever asks meanwhile, and until the answer was made use of, gets the same answer. */
  function ask(tenant: string): Promise<N | null> {
    const known = asking.get(tenant);
    if (known) return known;
    const asked = answerOf(tenant).finally(() => clock.defer(() => asking.delete(tenant)));
    asking.set(tenant, asked);
    return asked;
  }

  function refuse(tenant: string, cause: unknown): never {
    const known = refusals.get(tenant);
    if (known) throw known.error;
    log.error("the host named no database", { tenant, error: cause });
    const error = new ChatError("unavailable", "The tenant's database is not known now", { cause });
    refusals.set(tenant, { error, until: clock.elapsed() + pauseMs });
    throw error;
  }

  function forgetTenant(tenant: string): void {
    const place = places.get(tenant);
    if (!place) return;
    places.delete(tenant);
    const others = tenants.get(place);
    others?.delete(tenant);
    if (others?.size === 0) tenants.delete(place);
  }

  return {
    /** Of whom somebody was proved to be. Rejects with `unavailable`. */
    async name(tenant: string): Promise<N> {
      const refusal = refusals.get(tenant);
      if (refusal && refusal.until > clock.elapsed()) throw refusal.error;
      refusals.delete(tenant);
      const named = await ask(tenant).catch((cause: unknown) => refuse(tenant, cause));
      return named ?? refuse(tenant, new Error("It answered null for a tenant that has users"));
    },

    /** Of whom anybody may speak: null where it cannot be said, whyever. */
    look: (tenant: string): Promise<N | null> => ask(tenant).catch(() => null),

    /** Where a tenant was found, unless that is closed. */
    find: (tenant: string): Place | undefined => places.get(tenant),

    /** A tenant was found here. */
    note(tenant: string, place: Place): void {
      if (places.get(tenant) === place) return;
      forgetTenant(tenant);
      places.set(tenant, place);
      tenants.set(place, (tenants.get(place) ?? new Set()).add(tenant));
      if (places.size <= tenantsMax) return;
      const oldest = places.keys().next();
      if (!oldest.done) forgetTenant(oldest.value);
    },

    /** The place is closed. */
    forget(place: Place): void {
      for (const tenant of tenants.get(place) ?? []) places.delete(tenant);
      tenants.delete(place);
    },

    /** Forgets whose pause is over. */
    sweep(): void {
      // In the order of their ends.
      for (const [tenant, { until }] of refusals) {
        if (until > clock.elapsed()) break;
        refusals.delete(tenant);
      }
    },

    /** Sizes of what is held: 0 once all places are closed. */
    sizes: () => ({ tenants: places.size, refusals: refusals.size }),
  };
}

export type Directory<N extends Named> = ReturnType<typeof createDirectory<N>>;
