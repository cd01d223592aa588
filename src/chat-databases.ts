import { shareTransport } from "./bus/shared-transport.ts";
import type { ChatOptions } from "./chat-options.ts";
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
export function createDatabases({ database, bus }: ChatOptions, { context, log }: Surroundings): Databases {
  const { clock, random, limits } = context;
  if (typeof database !== "function")
    return createSingle({
      ...{ clock, random, log, startMs: limits.startMs },
      async open() {
        const engine = (database.open ?? openEngine)(database);
        return await openDatabase({ ...database, engine, bus, log }, context);
      },
    });
  const shareOfBus = bus && shareTransport(bus);
  const cacheBytes = Math.floor(limits.databasesCacheBytesMax / limits.databasesMax);
  return createPerTenant({
    ...{ databaseOf: database, clock, random, limits, log },
    async open(named, onLeave) {
      const share = shareOfBus?.();
      try {
        const engine = (named.open ?? openEngine)({ ...named, cacheBytes });
        const own = log.with({ database: redactUrl(named.url) });
        const opened = await openDatabase({ ...named, engine, bus: share, log: own, onLeave }, context);
        void opened.released.then(() => share?.close());
        return opened;
      } catch (error) {
        await share?.close();
        throw error;
      }
    },
  });
}
