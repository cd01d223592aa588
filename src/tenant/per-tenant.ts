import { ChatError } from "../error.ts";
import type { Database } from "./database.ts";
import type { DatabaseHandle, Databases } from "./databases.ts";
import { createDirectory, type DirectoryOptions, type Named } from "./directory.ts";
import { createEntries, type EntriesOptions, shuttingDown } from "./entries.ts";
import type { Entry } from "./entry.ts";
import { createTenantTickets } from "./tenant-tickets.ts";

export type PerTenantOptions<N extends Named> = Omit<EntriesOptions<N>, "onClosed"> & DirectoryOptions<N>;

/** How often idle databases are looked for. */
const beatMs = 5_000;

/**
 * A database for each tenant, opened on demand. At most `databasesMax` are open, counting those that are opening or closing: beyond it
 * the one that was idle longest gives way, else the one that was quiet longest: its connections are closed with 1012, and come back. A database
 * that is idle for `databaseIdleMs` is closed. Tenants with the same URL share
 * one. No database is opened before it has been closed to its end, and a database that fails affects its own tenants only.
 */
export function createPerTenant<N extends Named>(options: PerTenantOptions<N>): Databases {
  const { clock, limits } = options;
  const directory = createDirectory(options);
  const entries = createEntries<N>({ ...options, onClosed: directory.forget });
  const tickets = createTenantTickets({ directory, lease, clock, limits });
  let isStopped = false;
  let cancelBeat = clock.after(beatMs, beat);

  function beat(): void {
    tickets.sweep();
    directory.sweep();
    entries.sweep();
    if (!isStopped) cancelBeat = clock.after(beatMs, beat);
  }

  /** `attempt`: how many tries to open it failed just before, where it is begun. */
  async function entryOf(tenant: string, attempt: number): Promise<Entry> {
    const named = await directory.name(tenant);
    return entries.get(named.url) ?? entries.begin(named, attempt);
  }

  /** The tenant's database, once it is open; it stays open until its release. One that is closing is opened again. */
  async function hold(tenant: string): Promise<{ readonly entry: Entry; readonly database: Database }> {
    for (let attempt = 0; ;) {
      if (isStopped) throw shuttingDown();
      const known = directory.find(tenant);
      // While it closes the host is asked again: it may have moved the tenant.
      const entry = known && known.state.type !== "closing" ? known : await entryOf(tenant, attempt);
      if (entry.state.type === "closing") await entry.state.done;
      else if (entry.state.type !== "failed") {
        directory.note(tenant, entry);
        return { entry, database: await entry.hold() };
      } else if (clock.elapsed() < entry.state.until) throw entry.state.error;
      else {
        attempt = entry.attempt + 1;
        entries.drop(entry);
      }
    }
  }

  async function lease(tenant: string): Promise<DatabaseHandle> {
    const { entry, database } = await hold(tenant);
    return { database, release: entry.release };
  }

  return {
    ready: () => Promise.resolve(),
    isOpen: () => Promise.resolve(true),
    trouble: () => null,
    lease,
    async admit(tenant) {
      const { entry, database } = await hold(tenant);
      entry.awaitSocket();
      entry.release();
      return database;
    },
    connect(tenant) {
      const entry = directory.find(tenant);
      // During a shutdown the hub itself closes the socket.
      if (entry?.state.type === "open" || entry?.state.type === "closing") {
        entry.socketCame();
        return entry.state.database;
      }
      throw new ChatError("unavailable", "The tenant's database was closed before the socket was open");
    },
    ticketOf: tickets.ticketOf,
    useTicket: tickets.useTicket,
    async close(deadlineMs) {
      isStopped = true;
      cancelBeat();
      await entries.close(deadlineMs);
    },
    counts() {
      const total = { applied: 0, read: 0 };
      for (const { state } of entries.values()) {
        if (state.type !== "open") continue;
        const { applied, read } = state.database.counts();
        total.applied += applied;
        total.read += read;
      }
      return total;
    },
    sizes() {
      const sizes: Record<string, number> = { databases: entries.taken(), ...directory.sizes() };
      for (const { state } of entries.values()) {
        if (state.type !== "open") continue;
        for (const [name, size] of Object.entries(state.database.sizes())) sizes[name] = (sizes[name] ?? 0) + size;
      }
      return sizes;
    },
  };
}
