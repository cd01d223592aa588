import type { ChatError } from "../../error.ts";

/** A value as SQL takes and gives it. Integers stay below 2^53. */
export type Value = string | number | null;

/** One SQL statement with its positional arguments. */
export type Statement = { readonly sql: string; readonly args?: readonly Value[] };

/** A row by column name. */
export type Row = Record<string, Value>;

/**
 * One libSQL database, reduced to the two things the store needs.
 *
 * Both calls take all their statements at once, so nothing is ever held open across an `await`, and the same
 * statements run on an embedded file and as one round trip to a remote server.
 */
export interface Engine {
  /** No other process can have the database open. */
  readonly isExclusive?: boolean;

  /** Runs the statements on one consistent snapshot; answers one list of rows a statement. */
  read(statements: readonly Statement[]): Promise<Row[][]>;

  /**
   * Runs the statements as one transaction and resolves once it is committed and durable (fsynced).
   *
   * When it rejects, the outcome is unknown: the transaction may or may not have been committed. The
   * engine has thrown its database connection away and uses a new one for the next call.
   */
  write(statements: readonly Statement[]): Promise<Row[][]>;

  /** Why it takes no writes now, where it knows; reads may go on. Cheap enough to be asked often. */
  fault?(): ChatError | undefined;

  /**
   * Called when no write waits, from time to time: it may do now what would hold up a later write. Absent: there is nothing of that kind.
   * Never throws; a fault shows in the next call.
   */
  rest?(): void;

  /** Releases the database and its lock. Calls after it reject. */
  close(): Promise<void>;
}
