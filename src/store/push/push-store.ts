import { createLogPlace, type LogPlace } from "../log-place.ts";
import type { DeviceStoreOptions } from "./device-store.ts";
import { createDueStore, type DueStore } from "./due-store.ts";
import { createPushLog, type PushLog } from "./push-log.ts";
import * as sql from "./push-sql.ts";
import { createUnackedStore, type UnackedStore } from "./unacked-store.ts";

/**
 * What the push worker needs: its lease, the unacked messages, the due notices, the log of decisions. A method rejects where the database fails;
 * its outcome is unknown then, and a further call settles it. A method with a `holder` writes nothing once another node has taken the lease.
 */
export type PushStore = LogPlace & UnackedStore & DueStore & PushLog;

export function createPushStore(options: DeviceStoreOptions): PushStore {
  const { selectWorker: select, takeWorker: take, beatWorker: beat, leaveWorker: leave } = sql;
  return {
    ...createLogPlace({ engine: options.engine, statements: { select, take, beat, leave } }),
    ...createUnackedStore(options),
    ...createDueStore(options),
    ...createPushLog(options),
  };
}
