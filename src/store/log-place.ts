import type { Engine } from "./engine/engine.ts";
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

/** The positions of the host's hooks in the log, by their names. */
export interface LogPlaces {
  /** Creates a position, unless it exists already: after the newest entry of the log, or before the first. Rejects with `unavailable`. */
  begin(name: string, beginning: "now" | "start"): Promise<void>;
  /** The position with this name, once it has begun. */
  place(name: string): LogPlace;
}

export function createLogPlaces({ engine }: Pick<LogPlaceOptions, "engine">): LogPlaces {
  const { selectLogPlace: select, takeLogPlace: take, beatLogPlace: beat, leaveLogPlace: leave } = sql;
  const statements = { select, take, beat, leave };

  return {
    async begin(name, beginning) {
      // Usually it exists, and nothing is written.
      const [[known] = []] = await engine.read([{ sql: sql.selectLogPlace, args: [name] }]);
      if (!known) await engine.write([{ sql: sql.insertLogPlace, args: [name, beginning] }]);
    },

    place: (name) => createLogPlace({ engine, statements, key: [name] }),
  };
}

export type LogPlaceOptions = {
  readonly engine: Pick<Engine, "read" | "write">;
  readonly statements: Readonly<Record<"select" | "take" | "beat" | "leave", string>>;
  /** The first arguments of each statement. Default: none. */
  readonly key?: readonly string[];
};

/** The position that one row of a table holds. */
export function createLogPlace({ engine, statements, key = [] }: LogPlaceOptions): LogPlace {
  return {
    async worker() {
      const [[row = {}] = []] = await engine.read([{ sql: statements.select, args: key }]);
      return { holder: text(row, "holder"), beat: integer(row, "beat") };
    },
    async take(holder, from) {
      const args = [...key, holder, from.holder, from.beat];
      const [[row] = []] = await engine.write([{ sql: statements.take, args }]);
      return row ? integer(row, "n") : null;
    },
    async beat(holder, n) {
      const [[row] = []] = await engine.write([{ sql: statements.beat, args: [...key, holder, n] }]);
      return row !== undefined;
    },
    async leave(holder) {
      await engine.write([{ sql: statements.leave, args: [...key, holder] }]);
    },
  };
}
