import { ChatError } from "../../error.ts";
import { collect, type Connection, type ConnectionOptions, openConnection } from "./connection.ts";
import { failure } from "./failure.ts";
import { type FileFault, type FileGuard, guardFile } from "./file-guard.ts";
import type { FileLock } from "./file-lock.ts";
import { hasNewestMark, requireOwnLog, writeMark } from "./log-mark.ts";
import { hasIndexBeside, holdsDeletedIndex, holdsIndex } from "./own-handles.ts";

const collectMs = 1_000;

/** Connections that may not be closed: they stay until the process ends. */
const abandoned = new Set<Connection>();

export type FileOptions = ConnectionOptions & { readonly lock: FileLock };

/** A database file that an engine holds open: one connection at a time, which is replaced after an error. */
export interface OpenFile {
  /** The connection for a call, a new one where there is none. The log as it found it is on disk, except for reads while the disk fails. */
  connect(isWrite: boolean): Connection;
  /** Why nothing may be written to the file: other code has, or may have, access to it. `isBefore`: a write is about to begin. */
  fault(isBefore: boolean): FileFault | undefined;
  /** Within a write: writes the mark that a new log begins with. Answers whether it is the file's first one. */
  mark(connection: Connection): boolean;
  /** A write has been committed. Answers whether its commit has moved the log into the file. */
  wrote(isFirstMark: boolean): boolean;
  /** After an error: a later write on the same connection may be answered and lost, so it is never used again. */
  discard(): void;
  /** Closes the connection, and releases the lock; everything is in the one file then, so that a copy of it is complete. */
  close(): void;
}

type State =
  | { readonly type: "open"; readonly connection: Connection }
  /** The connection has failed, and the next call opens another one. */
  | { readonly type: "failed" }
  /** The connection was closed for `fault`, but is not garbage yet, which can take long where the runtime decides when it collects. */
  | { readonly type: "closing"; readonly fault: FileFault };

/**
 * Opens a file for the holder of its lock, which is released where this throws.
 *
 * @throws {ChatError} `database_unfit`: it is no database, or the log beside it belongs to another file; or `unavailable`: try again.
 */
export function openFile(file: string, options: FileOptions): OpenFile {
  const { guard, connection } = openFirst(file, options);
  let state: State = { type: "open", connection };
  /** Whether everything that this connection found when it was opened is on disk. Before that it must not be read, nor written behind. */
  let sync: "done" | "due" | "failed" = "done";
  /** Whether the next write begins a new log, which then needs a mark of its own. */
  let isMarkDue = true;
  /** Another SQLite has had the file open too: its locks are not to be relied on since. */
  let shared: FileFault | undefined;
  const collectSparingly = createSparingCollect();

  function reopen(): Connection {
    // SQLite would open any file that has that name now, or make an empty database.
    if (!isLetGo(state.type === "closing" ? holdsIndex : holdsDeletedIndex))
      throw new Error(`A connection to ${file} that was closed still has the index of its log`);
    if (!guard.isThere()) throw new Error(`${file} is not there any more, or is another file`);
    if (sync === "done") sync = "due";
    isMarkDue = true;
    const opened = guard.opening(() => {
      const made = openConnection(file, options);
      // The log is opened by the first read.
      made.exec("SELECT 1 FROM sqlite_master");
      return made;
    });
    requireIndex(file, opened);
    state = { type: "open", connection: opened };
    return opened;
  }

  function discard(): void {
    if (state.type !== "open") return;
    state.connection.discard();
    state = { type: "failed" };
  }

  /** Closes the connection, and opens no other one before it is really closed: the two would share its index and its locks. */
  function letGo(found: Connection, fault: FileFault): FileFault {
    found.discard();
    state = { type: "closing", fault };
    guard.closed();
    shared = undefined;
    collect();
    return fault;
  }

  /** Whether a connection that was closed is garbage by now. */
  function isLetGo(holds: (file: string) => boolean): boolean {
    if (!holds(file)) return true;
    collectSparingly();
    return false;
  }

  function findFault(isBefore: boolean): FileFault | undefined {
    if (state.type === "closing") {
      if (!isLetGo(holdsIndex)) return state.fault;
      state = { type: "failed" };
    }
    const found = guard.fault({ isBefore });
    const fault = state.type === "failed" && found?.isLogGone ? faultWithoutLog(file, guard, found) : found;
    if (fault?.isShared) shared = fault;
    if (state.type !== "open" || fault?.isShared) return fault;
    if (fault?.isLogGone && saveLog(file, guard, state.connection)) return letGo(state.connection, fault);
    // The system takes a process' locks on a file when any descriptor of it is closed: they are taken anew.
    if (!fault && shared) return letGo(state.connection, shared);
    return fault;
  }

  return {
    connect(isWrite) {
      const found = state.type === "open" ? state.connection : reopen();
      if (sync === "done" || (sync === "failed" && !isWrite)) return found;
      try {
        found.sync();
        sync = "done";
        return found;
      } catch (error) {
        // Reads go on while a disk is full or fails: they alone may see what could not be synced, until a write has synced it.
        sync = "failed";
        discard();
        if (isWrite) throw error;
        return reopen();
      }
    },

    fault: findFault,
    mark: (found) => isMarkDue && writeMark(found),

    wrote(isFirstMark) {
      // Where SQLite has moved the log into the file, the next write begins a new one.
      isMarkDue = guard.wrote();
      if (!isFirstMark) return isMarkDue;
      // From the first mark on, the file itself has one too.
      try {
        if (state.type === "open") state.connection.sync();
      } catch {
        discard();
      }
      isMarkDue = true;
      guard.wrote();
      return true;
    },

    discard,

    close() {
      const fault = findFault(true);
      const found = state.type === "open" ? state.connection : undefined;
      if (fault?.isLogGood === false) {
        // The log is not for the file that is there now: not even closing is allowed, for that writes it into the file.
        if (found) abandoned.add(found);
      } else {
        if (found) emptyLog(found);
        discard();
        guard.closed();
      }
      options.lock.release();
    },
  };
}

/** Opens the first connection, and syncs the log that a killed process has left. */
function openFirst(file: string, options: FileOptions): { readonly guard: FileGuard; readonly connection: Connection } {
  let connection: Connection | undefined;
  try {
    requireOwnLog(file);
    const guard = guardFile(file, options.lock);
    connection = guard.opening(() => {
      const opened = openConnection(file, options);
      connection = opened;
      opened.sync();
      return opened;
    });
    requireIndex(file, connection);
    const fault = guard.fault({ isBefore: true });
    if (fault) throw new ChatError("database_unfit", fault.message, { cause: fault });
    return { guard, connection };
  } catch (cause) {
    connection?.discard();
    options.lock.release();
    if (cause instanceof ChatError) throw cause;
    const { message } = failure(cause);
    throw new ChatError("database_unfit", `The database file ${file} cannot be synced: ${message}`, { cause });
  }
}

/** A connection on an index that was deleted writes a log that cannot be read after a crash. */
function requireIndex(file: string, opened: Connection): void {
  if (hasIndexBeside(file)) return;
  opened.discard();
  collect();
  throw new ChatError("unavailable", `The index ${file}-shm was deleted while a connection was open; try again`);
}

/**
 * The log of a running engine was deleted, which still has it open: by a person, or by another SQLite of this process, which has moved all of it
 * into the file before. Answers whether all of it is in the file now.
 */
function saveLog(file: string, guard: FileGuard, connection: Connection): boolean {
  try {
    if (!guard.isUntouched() && !hasNewestMark(connection, file)) return false;
    const [row] = connection.run({ sql: "PRAGMA wal_checkpoint(FULL)" });
    return row?.["busy"] === 0 && row["log"] === row["checkpointed"];
  } catch {
    return false;
  }
}

/** A connection that has failed is closed once it is garbage. SQLite then moves its log into the file and deletes it, which is no fault. */
function faultWithoutLog(file: string, guard: FileGuard, fault: FileFault): FileFault | undefined {
  if (holdsIndex(file)) return fault;
  guard.closed();
  return guard.fault({ isBefore: true });
}

/** Moves the log into the file, where the disk allows it. */
function emptyLog(connection: Connection): void {
  try {
    connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // The log stays beside the file and is read at the next start.
  }
}

/** Collects garbage at most once a second. */
function createSparingCollect(): () => void {
  let collectedAt = performance.now();
  return () => {
    const now = performance.now();
    if (now - collectedAt <= collectMs) return;
    collectedAt = now;
    collect();
  };
}
