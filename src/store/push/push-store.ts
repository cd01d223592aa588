import type { LogPlace } from "../log-place.ts";
import { integer, text } from "../row.ts";
import { type DeviceStoreOptions, readOne } from "./device-store.ts";
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
  const { engine } = options;
  return {
    ...createUnackedStore(options),
    ...createDueStore(options),
    ...createPushLog(options),

    async worker() {
      const [row] = await readOne(engine, { sql: sql.selectWorker });
      return row ? { holder: text(row, "holder"), beat: integer(row, "beat") } : { holder: "", beat: 0 };
    },

    async take(holder, from) {
      const [[row] = []] = await engine.write([{ sql: sql.takeWorker, args: [holder, from.holder, from.beat] }]);
      return row ? integer(row, "n") : null;
    },

    async beat(holder, n) {
      const [[row] = []] = await engine.write([{ sql: sql.beatWorker, args: [holder, n] }]);
      return row !== undefined;
    },

    async leave(holder) {
      await engine.write([{ sql: sql.leaveWorker, args: [holder] }]);
    },
  };
}
