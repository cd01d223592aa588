import { shareTransport } from "./bus/shared-transport.ts";
import type { ChatOptions, DatabaseOfTenant, DatabaseOptions } from "./chat-options.ts";
import type { Log } from "./internal/logger.ts";
import { openEngine } from "./store/engine/open.ts";
import { redactUrl } from "./store/engine/redact-url.ts";
import { openDatabase } from "./tenant/database.ts";
import type { Databases } from "./tenant/databases.ts";
import { createPerTenant } from "./tenant/per-tenant.ts";
import type { DatabaseContext } from "./tenant/runtime.ts";
import { createSingle } from "./tenant/single.ts";

type Surroundings = { readonly context: DatabaseContext; readonly log: Log };

/** The databases that a host names: one, which begins to open at once, or one for each tenant. */
export function createDatabases({ database, bus }: ChatOptions, surroundings: Surroundings): Databases {
  return typeof database === "function" ? perTenant(database, bus, surroundings) : single(database, bus, surroundings);
}

function single(database: DatabaseOptions, bus: ChatOptions["bus"], { context, log }: Surroundings): Databases {
  const { clock, random, limits } = context;
  return createSingle({
    ...{ clock, random, log, startMs: limits.startMs },
    async open() {
      const engine = (database.open ?? openEngine)(database);
      return await openDatabase({ ...database, engine, bus, log }, context);
    },
  });
}

function perTenant(databaseOf: DatabaseOfTenant, bus: ChatOptions["bus"], { context, log }: Surroundings): Databases {
  const { clock, random, limits } = context;
  const shareOfBus = bus && shareTransport(bus);
  const cacheBytes = Math.floor(limits.databasesCacheBytesMax / limits.databasesMax);
  return createPerTenant({
    ...{ databaseOf, clock, random, limits, log },
    async open(database, onLeave) {
      const share = shareOfBus?.();
      try {
        const engine = (database.open ?? openEngine)({ ...database, cacheBytes });
        const own = log.with({ database: redactUrl(database.url) });
        const opened = await openDatabase({ ...database, engine, bus: share, log: own, onLeave }, context);
        void opened.released.then(() => share?.close());
        return opened;
      } catch (error) {
        await share?.close();
        throw error;
      }
    },
  });
}
