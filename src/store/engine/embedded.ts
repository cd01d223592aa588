import { ChatError } from "../../error.ts";
import { type Connection, type ConnectionOptions, openConnection } from "./connection.ts";
import { pathOfFileUrl, resolveDatabaseFile } from "./database-file.ts";
import type { Engine, Row, Statement } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { takeFileLock } from "./file-lock.ts";

const beginWrite = "BEGIN IMMEDIATE";

export type EmbeddedOptions = ({ readonly path: string } | { readonly url: string }) & {
  /** Memory for pages of the database. */
  readonly cacheBytes?: number;
  /** Statements kept prepared, by their text. */
  readonly statementsMax?: number;
};

/**
 * An engine on a database file of this machine, which belongs to this engine alone until it is closed.
 *
 * @throws {ChatError} `config_invalid` (no such folder, `:memory:`), `database_locked` (somebody else has it),
 * `database_unfit` (it is no database, or does not promise durable commits).
 */
export function createEmbeddedEngine(options: EmbeddedOptions): Engine {
  const file = resolveDatabaseFile("path" in options ? options.path : pathOfFileUrl(options.url));
  const connectionOptions: ConnectionOptions = {
    cacheBytes: options.cacheBytes ?? 64 * 1024 * 1024,
    statementsMax: options.statementsMax ?? 256,
  };
  const lock = takeFileLock(file);
  let connection: Connection | undefined;
  /** Whether all that this connection found when it was opened is on disk: nobody is told of it, nor writes behind it, before. */
  let isSynced = true;
  let hasSyncFailed = false;
  let isClosed = false;
  try {
    connection = openConnection(file, connectionOptions);
    connection.sync();
  } catch (cause) {
    connection?.discard();
    lock.release();
    if (cause instanceof ChatError) throw cause;
    const { message } = failure(cause);
    throw new ChatError("database_unfit", `The database file ${file} cannot be synced: ${message}`, { cause });
  }

  function reopen(): Connection {
    isSynced = false;
    return openConnection(file, connectionOptions);
  }

  /** Reads go on while a disk is full or fails: they alone may see what could not be synced, until a write has synced it. */
  function syncFor(found: Connection, isWrite: boolean): Connection {
    if (isSynced || (hasSyncFailed && !isWrite)) return found;
    try {
      found.sync();
      isSynced = true;
      hasSyncFailed = false;
      return found;
    } catch (error) {
      hasSyncFailed = true;
      found.discard();
      if (isWrite) throw error;
      return reopen();
    }
  }

  // Nothing here awaits, so a call owns the connection from its first statement to its last.
  const call = (begin: string | undefined, statements: readonly Statement[]): Row[][] => {
    if (isClosed) throw closedFailure();
    if (statements.length === 0) return [];
    try {
      connection = syncFor(connection ?? reopen(), begin === beginWrite);
      if (begin !== undefined) connection.exec(begin);
      const results: Row[][] = [];
      for (const statement of statements) results.push(connection.run(statement));
      if (begin !== undefined) connection.exec("COMMIT");
      return results;
    } catch (error) {
      // After one error a later write on the same connection may be answered and lost. Never use it again.
      connection?.discard();
      connection = undefined;
      throw failure(error);
    }
  };

  return {
    isExclusive: true,
    async read(statements) {
      return call(statements.length > 1 ? "BEGIN" : undefined, statements);
    },
    async write(statements) {
      return call(beginWrite, statements);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      try {
        // Leaves the whole database in the one file, so that a copy of it is complete.
        connection?.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch {
        // The log stays beside the file and is read at the next start.
      }
      connection?.discard();
      connection = undefined;
      lock.release();
    },
  };
}
