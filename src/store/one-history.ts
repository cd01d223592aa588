import { ChatError } from "../error.ts";
import type { Random } from "../internal/random.ts";
import type { Cursor } from "../model.ts";
import { createCursors, type Cursors } from "../protocol/cursor.ts";
import { levelMax } from "../log/log-kinds.ts";
import type { Engine, Row, Statement } from "./engine/engine.ts";
import { integer, text } from "./row.ts";
import * as sql from "./sql.ts";

/** The newest position, and the highest level of entry that the log holds; absent: the statement does not select it. */
export type Head = Cursor & { readonly level?: number };

/** Why the database is no longer the one that was opened. */
export type HistoryChange =
  /** The history has a new name, as after a restore. `n`: a change number that the one before had. */
  | { readonly type: "renamed"; readonly epoch: string; readonly n: number }
  /** The database went back under the same name: it was restored without a new name. `n`: a change number that it had. */
  | { readonly type: "went back"; readonly epoch: string; readonly n: number }
  /** The log holds an entry that only a newer release can read; `found` describes it. */
  | { readonly type: "unreadable"; readonly found: string };

/** The highest change number that was seen of each history, by its name. */
export type KnownHistories = Map<string, number>;

export type OneHistoryOptions = {
  readonly engine: Engine;
  readonly random: Pick<Random, "integer">;
  /** The heads that were seen of this database, also by an earlier runtime: read, and kept up to date. Default: none. */
  readonly known?: KnownHistories | undefined;
  /** Called once, at the first sign. */
  readonly onChange: (change: HistoryChange) => void;
};

/** One history of a database, from the first head that is noted. */
export interface OneHistory {
  /** The engine for as long as the database has this history; then every write rejects. */
  readonly engine: Engine;
  /**
   * Notes a head that was read, and answers whether it is older than one that was seen before.
   *
   * @throws {ChatError} `unavailable`: it is of another history, or of a log that this release cannot read.
   */
  note(head: Head): boolean;
  /** The head in a row of a statement that selects it. */
  cursorOf(row: Row | undefined): Head;
  /** Ends it: the log holds an entry that this release cannot read. No cursor may pass the entry, so nothing is served any more. */
  stop(found: string): void;
  /**
   * Reads the newest position. Where it is older than one that was seen before, the database is asked again by a write: a read may have been
   * answered by a copy that lags behind.
   */
  head(): Promise<Head>;
  /** The cursors of this history, once its head was read. */
  cursors(): Cursors;
  /** Whether the database may still have this history. */
  isCurrent(): boolean;
  /** Whether the log holds an entry that this release cannot read. */
  isUnreadable(): boolean;
}

/** Whether the database refused a statement because of a constraint on its rows. */
function isConstraint(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = "code" in error ? error.code : undefined;
  return (typeof code === "string" && code.startsWith("SQLITE_CONSTRAINT")) || isConstraint(error.cause);
}

/**
 * The engine for as long as the database has one history: the one of the first head that is noted. Every write carries the name of that
 * history and a change number that it had, and the database refuses the write where either is not true. So nothing that was
 * meant for one history (an ack, a read mark, a message) reaches another, even if it was under way when the history changed.
 */
export function createOneHistory({ engine, random, known = new Map(), onChange }: OneHistoryOptions): OneHistory {
  let epoch: string | null = null;
  let cursors: Cursors | null = null;
  let state: "current" | "changed" | "unreadable" = "current";

  const changed = (): ChatError =>
    new ChatError(
      "unavailable",
      state === "unreadable"
        ? "The database holds what this release of Tidings cannot read: a newer one is needed"
        : "The database has another history now",
    );

  function end(change: HistoryChange): void {
    if (state !== "current") return;
    state = change.type === "unreadable" ? "unreadable" : "changed";
    onChange(change);
  }

  const stop = (found: string): void => end({ type: "unreadable", found });

  /** The highest change number that was seen of this history. */
  const newest = (): number => (epoch === null ? 0 : (known.get(epoch) ?? 0));

  function note(head: Head): boolean {
    const before = known.get(head.epoch) ?? 0;
    // Also where it is of an earlier or a later history: the next runtime needs it.
    known.set(head.epoch, Math.max(before, head.n));
    if ((head.level ?? 0) > levelMax) stop(`level ${head.level}`);
    if (state !== "current") throw changed();
    epoch ??= head.epoch;
    if (head.epoch === epoch) return head.n < before;
    end({ type: "renamed", epoch: head.epoch, n: newest() });
    throw changed();
  }

  const cursorOf = (row: Row = {}): Head => ({
    ...{ epoch: text(row, "epoch"), n: integer(row, "n") },
    ...(row["level"] !== undefined && { level: integer(row, "level") }),
  });

  const guard = (): Statement[] =>
    epoch === null ? [] : [{ sql: sql.requireHistory, args: [epoch, newest(), levelMax] }];

  async function head(): Promise<Head> {
    const secret = cursors === null ? [{ sql: sql.selectSecret }] : [];
    const [[row] = [], [kept] = []] = await engine.read([{ sql: sql.selectHead }, ...secret]);
    const found = cursorOf(row);
    cursors ??= createCursors({ secret: text(kept ?? {}, "secret"), epoch: found.epoch, random });
    if (!note(found)) return found;
    // Heads that are noted during the write may be newer than its answer.
    const atLeast = newest();
    const [[now] = []] = await engine.write([{ sql: sql.selectHead }]);
    const confirmed = cursorOf(now);
    note(confirmed);
    if (confirmed.n >= atLeast) return confirmed;
    end({ type: "went back", epoch: confirmed.epoch, n: newest() });
    throw changed();
  }

  return {
    engine: {
      ...engine,
      async read(statements: readonly Statement[]): Promise<Row[][]> {
        // This release might misread the rows.
        if (state === "unreadable") throw changed();
        return await engine.read(statements);
      },
      async write(statements: readonly Statement[]): Promise<Row[][]> {
        if (state !== "current") throw changed();
        const guards = guard();
        try {
          // The head after the write is noted as well: otherwise the database could go back to just before it without being noticed.
          const results = await engine.write([...guards, ...statements, { sql: sql.selectHead }]);
          const [[row] = []] = results.slice(-1);
          note(cursorOf(row));
          return results.slice(guards.length, -1);
        } catch (error) {
          // Most likely the guard's constraint: the head shows whether the history has changed.
          if (isConstraint(error)) await head();
          throw error;
        }
      },
    } satisfies Engine,

    ...{ note, cursorOf, stop, head },

    cursors() {
      if (cursors !== null) return cursors;
      throw new ChatError("internal", "A cursor is wanted before the database was read");
    },

    isCurrent: () => state === "current",
    isUnreadable: () => state === "unreadable",
  };
}
