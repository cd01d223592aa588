import { ChatError } from "../../error.ts";
import { collect, type Connection, type ConnectionOptions, openConnection } from "./connection.ts";
import { pathOfFileUrl, resolveDatabaseFile } from "./database-file.ts";
import type { Engine, Row, Statement } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { type FileFault, type FileGuard, guardFile, requireOneName } from "./file-guard.ts";
import { takeFileLock } from "./file-lock.ts";
import { hasIndexBeside, holdsDeletedIndex, holdsIndex } from "./own-handles.ts";
import { hasNewestMark, requireOwnLog, writeMark } from "./log-mark.ts";

const beginWrite = "BEGIN IMMEDIATE";

const collectMs = 1_000;

/** Connections that may not be closed: they stay until the process ends. */
const abandoned = new Set<Connection>();

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
 * `database_unfit` (it is no database, does not promise durable commits, has a second name, or the log beside it belongs to another file).
 */
export function createEmbeddedEngine(options: EmbeddedOptions): Engine {
  const file = resolveDatabaseFile("path" in options ? options.path : pathOfFileUrl(options.url));
  const connectionOptions: ConnectionOptions = {
    cacheBytes: options.cacheBytes ?? 64 * 1024 * 1024,
    statementsMax: options.statementsMax ?? 256,
  };
  requireOneName(file);
  const lock = takeFileLock(file);
  let connection: Connection | undefined;
  let guard: FileGuard;
  /** Whether the next write begins a new log, which then needs a mark of its own. */
  let isMarkDue = true;
  /** Why a connection was closed that is not garbage yet: for long where the runtime collects garbage when it likes. */
  let lettingGo: FileFault | undefined;
  /** The file was another SQLite's too, and its locks are not to be relied on since. */
  let shared: FileFault | undefined;
  let collectedAt = performance.now();
  /** Whether all that this connection found when it was opened is on disk: nobody is told of it, nor writes behind it, before. */
  let isSynced = true;
  let hasSyncFailed = false;
  let isClosed = false;
  try {
    requireOwnLog(file);
    guard = guardFile(file, lock);
    connection = guard.opening(() => {
      const opened = openConnection(file, connectionOptions);
      connection = opened;
      opened.sync();
      return opened;
    });
    requireIndex(connection);
    const fault = guard.fault({ isBefore: true });
    if (fault) throw new ChatError("database_unfit", fault.message, { cause: fault });
  } catch (cause) {
    connection?.discard();
    lock.release();
    if (cause instanceof ChatError) throw cause;
    const { message } = failure(cause);
    throw new ChatError("database_unfit", `The database file ${file} cannot be synced: ${message}`, { cause });
  }

  function reopen(): Connection {
    // SQLite would open whatever has that name now, or make an empty database.
    if (!isLetGo(lettingGo ? holdsIndex : holdsDeletedIndex))
      throw new Error(`A connection to ${file} that was closed still has the index of its log`);
    if (!guard.isThere()) throw new Error(`${file} is not there any more, or is another file`);
    isSynced = false;
    isMarkDue = true;
    const opened = guard.opening(() => {
      const made = openConnection(file, connectionOptions);
      // The log is opened by the first read.
      made.exec("SELECT 1 FROM sqlite_master");
      return made;
    });
    requireIndex(opened);
    return opened;
  }

  /** A connection on an index that was deleted writes a log that nobody can read after a crash. */
  function requireIndex(opened: Connection): void {
    if (hasIndexBeside(file)) return;
    opened.discard();
    collect();
    throw new ChatError("unavailable", `The index ${file}-shm was deleted while a connection was open; try again`);
  }

  /** Why nothing may be written to the file: it is not, or no longer, this engine's alone. */
  function faultOfFile(isBefore: boolean): FileFault | undefined {
    if (lettingGo && !isLetGo(holdsIndex)) return lettingGo;
    lettingGo = undefined;
    const fault = guard.fault({ isBefore });
    if (fault?.isShared) shared = fault;
    if (!connection || fault?.isShared) return fault;
    if (fault?.isLogGone && saveLog(connection)) return letGo(connection, fault);
    // The system takes a process' locks on a file when any descriptor of it is closed: they are taken anew.
    if (!fault && shared) return letGo(connection, shared);
    return fault;
  }

  /** Closes the connection, and opens no other one before it is closed indeed: the two would share its index and its locks. */
  function letGo(found: Connection, fault: FileFault): FileFault {
    found.discard();
    connection = undefined;
    guard.closed();
    shared = undefined;
    lettingGo = fault;
    collect();
    return fault;
  }

  /** A connection that was closed lives on until it is garbage. Collects at most once a second. */
  function isLetGo(holds: (file: string) => boolean): boolean {
    if (!holds(file)) return true;
    const now = performance.now();
    if (now - collectedAt > collectMs) {
      collectedAt = now;
      collect();
    }
    return false;
  }

  /**
   * Somebody has deleted the log of a running engine, which still has it open: a person, or another SQLite of this process, which has moved
   * all of it into the file before. Answers whether all of it is in the file now.
   */
  function saveLog(found: Connection): boolean {
    try {
      if (!guard.isUntouched() && !hasNewestMark(found, file)) return false;
      const [row] = found.run({ sql: "PRAGMA wal_checkpoint(FULL)" });
      return row?.["busy"] === 0 && row["log"] === row["checkpointed"];
    } catch {
      return false;
    }
  }

  /** After a write: where SQLite has moved the log into the file, the next write begins a new one. */
  function endWrite(isFirstMark: boolean): void {
    isMarkDue = guard.wrote();
    if (!isFirstMark) return;
    // From the first mark on, the file itself has one too.
    try {
      connection?.sync();
    } catch {
      connection?.discard();
      connection = undefined;
    }
    isMarkDue = true;
    guard.wrote();
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
    const isWrite = begin === beginWrite;
    const fault = isWrite ? faultOfFile(true) : undefined;
    if (fault) throw failure(fault);
    try {
      connection = syncFor(connection ?? reopen(), isWrite);
      if (begin !== undefined) connection.exec(begin);
      const isFirstMark = isWrite && isMarkDue && writeMark(connection);
      const results: Row[][] = [];
      for (const statement of statements) results.push(connection.run(statement));
      if (begin !== undefined) connection.exec("COMMIT");
      if (isWrite) endWrite(isFirstMark);
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
    fault: () => (isClosed ? undefined : faultOfFile(false)),
    async close() {
      if (isClosed) return;
      isClosed = true;
      const fault = faultOfFile(true);
      if (fault?.isLogGood === false) {
        // What is in the log is not for the file that is there now: not even to be closed, for that writes it there.
        if (connection) abandoned.add(connection);
        connection = undefined;
        lock.release();
        return;
      }
      try {
        // Leaves the whole database in the one file, so that a copy of it is complete.
        connection?.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch {
        // The log stays beside the file and is read at the next start.
      }
      connection?.discard();
      connection = undefined;
      guard.closed();
      lock.release();
    },
  };
}
