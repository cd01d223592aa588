import type { Engine, Row } from "./engine/engine.ts";
import { integer, text } from "./row.ts";
import * as sql from "./log-place-sql.ts";

/**
 * A durable place in the log, of which one of several nodes is the holder at a time. A holder that lives makes `beat` grow. Everything rejects
 * with `unavailable`.
 */
export interface LogPlace {
  /** Who holds the place; an empty holder: nobody. */
  worker(): Promise<{ readonly holder: string; readonly beat: number }>;
  /** Takes the place from a holder of whom nothing was seen since; answers up to where everything was handled, or null. */
  take(holder: string, from: { readonly holder: string; readonly beat: number }): Promise<number | null>;
  /** Says that the holder lives, and up to where everything was handled; false where the place is another's. */
  beat(holder: string, n: number): Promise<boolean>;
  /** Gives the place to whoever wants it. */
  leave(holder: string): Promise<void>;
}

/** Where a place begins that the database does not know yet: behind all that is in the log, or before it. */
export type Beginning = "now" | "start";

/** The places of those who follow the log on behalf of the host, by their names. */
export function createLogPlaces({ engine }: { readonly engine: Pick<Engine, "read" | "write"> }) {
  const one = async (statement: string, name: string): Promise<Row | undefined> =>
    (await engine.read([{ sql: statement, args: [name] }]))[0]?.[0];

  return {
    /** Makes a place that is not there yet; one that is there stays where it is. Rejects with `unavailable`. */
    async begin(name: string, beginning: Beginning): Promise<void> {
      // As a rule it is there, and nothing is written.
      if (await one(sql.selectLogPlace, name)) return;
      await engine.write([{ sql: sql.insertLogPlace, args: [name, beginning] }]);
    },

    /** The place with this name, once it has begun. */
    place: (name: string): LogPlace => ({
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

export type LogPlaces = ReturnType<typeof createLogPlaces>;
