import type { Random } from "../internal/random.ts";
import type { Cursor } from "../model.ts";
import { replaceEpoch } from "../store/epoch.ts";
import type { KnownHistories } from "../store/one-history.ts";
import { selectHead } from "../store/sql.ts";
import type { RuntimeOptions } from "./runtime.ts";

type HistoriesOptions = Pick<RuntimeOptions, "engine" | "log"> & { readonly random: Random };

/** The histories that a database has had while it was open. */
export type Histories = {
  /** What all runtimes have seen of each history: one that ends before this has gone back. */
  readonly known: KnownHistories;
  /** Whether a history has ended. A database that has it again was restored once more, and not given a new name. */
  hasEnded(epoch: string): boolean;
  /** Gives a new name to a database that has gone back, under its present name or a former one. `left`: the history that was served. */
  name(left: string): Promise<void>;
};

export function createHistories({ engine, random, log }: HistoriesOptions): Histories {
  const known: KnownHistories = new Map();
  const ended = new Set<string>();

  /** Asks as a writer: a copy may lag far behind. */
  async function headNow(): Promise<Cursor> {
    const [[row] = []] = await engine.write([{ sql: selectHead }]);
    return { epoch: String(row?.["epoch"]), n: Number(row?.["n"]) };
  }

  return {
    known,

    hasEnded: (epoch) => ended.has(epoch),

    async name(left) {
      // Copied first: a head that is seen meanwhile may be newer than this answer.
      const before = new Map(known);
      let head = await headNow();
      const n = before.get(head.epoch) ?? 0;
      if (head.n < n) {
        await replaceEpoch(engine, { random, epoch: head.epoch, n });
        // A database that has this name after now was restored once more.
        ended.add(head.epoch);
        head = await headNow();
      }
      const { epoch } = head;
      if (epoch !== left) ended.add(left);
      if (!ended.has(epoch)) return;
      log.error("the database has a history again that had ended: it gets a new name", { epoch });
      await replaceEpoch(engine, { random, epoch, n: Number.MAX_SAFE_INTEGER });
    },
  };
}
