import { readTenantTicket, tenantTicket } from "../access/ticket.ts";
import type { Clock } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Databases } from "./databases.ts";
import type { Directory, Named } from "./directory.ts";
import { isFile } from "./entries.ts";

export type TenantTicketsOptions = {
  readonly directory: Pick<Directory<Named>, "find" | "look">;
  readonly lease: Databases["lease"];
  readonly clock: Pick<Clock, "now" | "elapsed">;
  readonly limits: Pick<Limits, "ticketMs">;
};

/** Tickets that name their tenant, where each tenant has a database of its own. */
export type TenantTickets = Pick<Databases, "ticketOf" | "useTicket"> & {
  /** Forgets tickets that have expired. */
  sweep(): void;
};

export function createTenantTickets({ directory, lease, clock, limits }: TenantTicketsOptions): TenantTickets {
  /** Tenants that got a ticket here which may still be valid, and until when. */
  const issued = new Map<string, number>();

  /**
   * A stranger may name any tenant in a ticket: that must neither create a database nor show which tenants exist. A file belongs to one
   * process, so its tickets were issued here.
   */
  async function mayHaveIssued(tenant: string): Promise<boolean> {
    const named = await directory.look(tenant);
    return named !== null && !isFile(named.url);
  }

  return {
    ticketOf(secret, tenant) {
      issued.delete(tenant);
      issued.set(tenant, clock.elapsed() + limits.ticketMs);
      return tenantTicket(secret, tenant);
    },

    async useTicket(ticket) {
      const read = await readTenantTicket(ticket);
      if (read === null) return null;
      const { tenant, hash } = read;
      const isHere = directory.find(tenant)?.state.type === "open" || (issued.get(tenant) ?? 0) > clock.elapsed();
      if (!isHere && !(await mayHaveIssued(tenant))) return null;
      const held = await lease(tenant).catch((error: unknown) => {
        if (isHere) throw error;
        return null;
      });
      if (held === null) return null;
      try {
        const session = await held.database.store.useTicket(hash, clock.now());
        return session?.tenant === tenant ? session : null;
      } finally {
        held.release();
      }
    },

    sweep() {
      const now = clock.elapsed();
      // In the order of their ends.
      for (const [tenant, until] of issued) {
        if (until > now) break;
        issued.delete(tenant);
      }
    },
  };
}
