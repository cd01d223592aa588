import type { Log } from "../internal/logger.ts";
import { ChatError } from "../error.ts";
import type { Clock } from "../internal/clock.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Entry } from "./entry.ts";

/** The host's name of a database. */
export type Named = { readonly url: string };

/** The host's function; null: there is no such tenant. */
export type DatabaseOf<N extends Named> = (tenant: string) => N | null | Promise<N | null>;

export type DirectoryOptions<N extends Named> = {
  readonly databaseOf: DatabaseOf<N>;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "hostAnswerMs">;
  readonly log: Log;
};

/** After the host failed with a tenant, it is not asked again about it for this long. */
const pauseMs = 1_000;
/** Tenants with a remembered database; about any other the host is asked again. */
const tenantsMax = 100_000;

/** The database of each tenant: as the host names it, and without asking it again while the database is open. */
export type Directory<N extends Named> = {
  /** The database of a tenant that the host has proved. Rejects with `unavailable`. */
  name(tenant: string): Promise<N>;
  /** The database of a tenant that a stranger may have made up; null where it is not known, for any reason. */
  look(tenant: string): Promise<N | null>;
  /** Where a tenant was found, unless that is closed. */
  find(tenant: string): Entry | undefined;
  /** A tenant was found here. */
  note(tenant: string, entry: Entry): void;
  /** The database is closed. */
  forget(entry: Entry): void;
  /** Forgets refusals that are over. */
  sweep(): void;
  /** Sizes of the state in memory: 0 once all databases are closed. */
  sizes(): { readonly tenants: number; readonly refusals: number };
};

export function createDirectory<N extends Named>(options: DirectoryOptions<N>): Directory<N> {
  const { databaseOf, clock, limits, log } = options;
  const asking = new Map<string, Promise<N | null>>();
  const refusals = new Map<string, { readonly error: ChatError; readonly until: number }>();
  const entries = new Map<string, Entry>();
  const tenants = new Map<Entry, Set<string>>();

  async function answerOf(tenant: string): Promise<N | null> {
    const asked = Promise.resolve(databaseOf(tenant));
    const who = "The host, asked for a tenant's database,";
    const named = await withDeadline(asked, { clock, ms: limits.hostAnswerMs, who });
    // The host may be plain JavaScript.
    if (named !== null && typeof named?.url !== "string") throw new TypeError("A database has a url");
    return named;
  }

  /** Questions about a tenant share one answer, until it was made use of. */
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
    const entry = entries.get(tenant);
    if (!entry) return;
    entries.delete(tenant);
    const others = tenants.get(entry);
    others?.delete(tenant);
    if (others?.size === 0) tenants.delete(entry);
  }

  return {
    async name(tenant) {
      const refusal = refusals.get(tenant);
      if (refusal && refusal.until > clock.elapsed()) throw refusal.error;
      refusals.delete(tenant);
      const named = await ask(tenant).catch((cause: unknown) => refuse(tenant, cause));
      return named ?? refuse(tenant, new Error("It answered null for a tenant that has users"));
    },

    look: (tenant) => ask(tenant).catch(() => null),

    find: (tenant) => entries.get(tenant),

    note(tenant, entry) {
      if (entries.get(tenant) === entry) return;
      forgetTenant(tenant);
      entries.set(tenant, entry);
      tenants.set(entry, (tenants.get(entry) ?? new Set()).add(tenant));
      if (entries.size <= tenantsMax) return;
      const oldest = entries.keys().next();
      if (!oldest.done) forgetTenant(oldest.value);
    },

    forget(entry) {
      for (const tenant of tenants.get(entry) ?? []) entries.delete(tenant);
      tenants.delete(entry);
    },

    sweep() {
      // In the order of their ends.
      for (const [tenant, { until }] of refusals) {
        if (until > clock.elapsed()) break;
        refusals.delete(tenant);
      }
    },

    sizes: () => ({ tenants: entries.size, refusals: refusals.size }),
  };
}
