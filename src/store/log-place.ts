import type { Engine, Row } from "./engine/engine.ts";
import { integer, text } from "./row.ts";
import * as sql from "./log-place-sql.ts";

/**
 * A durable position in the log, which one node at a time holds. A holder that is alive makes `beat` grow. Every method rejects with
 * `unavailable`.
 */
export interface LogPlace {
  /** The holder; empty: there is none. */
  worker(): Promise<{ readonly holder: string; readonly beat: number }>;
  /** Takes the position from `from`, if its beat is still the same; answers the n up to which everything was handled, or null. */
  take(holder: string, from: { readonly holder: string; readonly beat: number }): Promise<number | null>;
  /** Shows that the holder is alive, and stores the n up to which everything was handled; false: another node is the holder. */
  beat(holder: string, n: number): Promise<boolean>;
  /** Gives the position up, so that any node can take it at once. */
  leave(holder: string): Promise<void>;
}

/** Where a new position begins: after the newest entry of the log, or before the first. */
export type Beginning = "now" | "start";

/** The positions of the host's hooks in the log, by their names. */
export interface LogPlaces {
  /** Creates a position, unless it exists already. Rejects with `unavailable`. */
  begin(name: string, beginning: Beginning): Promise<void>;
  /** The position with this name, once it has begun. */
  place(name: string): LogPlace;
}

export function createLogPlaces({ engine }: { readonly engine: Pick<Engine, "read" | "write"> }): LogPlaces {
  const one = async (statement: string, name: string): Promise<Row | undefined> =>
    (await engine.read([{ sql: statement, args: [name] }]))[0]?.[0];

  return {
    async begin(name, beginning) {
      // Usually it exists, and nothing is written.
      if (await one(sql.selectLogPlace, name)) return;
      await engine.write([{ sql: sql.insertLogPlace, args: [name, beginning] }]);
    },

    place: (name) => ({
      async worker() {
        const row = (await one(sql.selectLogPlace, name)) ?? {};
        return { holder: text(row, "holder"), beat: integer(row, "beat") };
      },
      async take(holder, from) {
        const args = [name, holder, from.holder, from.beat];
        const [[row] = []] = await engine.write([{ sql: sql.takeLogPlace, args }]);
        return row ? integer(row, "n") : null;
      },
      async beat(holder, n) {
        const [[row] = []] = await engine.write([{ sql: sql.beatLogPlace, args: [name, holder, n] }]);
        return row !== undefined;
      },
      async leave(holder) {
        await engine.write([{ sql: sql.leaveLogPlace, args: [name, holder] }]);
      },
    }),
  };
}
