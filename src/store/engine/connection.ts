import type Database from "libsql";
import { ChatError } from "../../error.ts";
import { toArguments } from "./arguments.ts";
import type { Row, Statement } from "./engine.ts";
import { driver, execAside, execHere } from "./driver.ts";
import { reasonOf } from "./failure.ts";

/** A statement with what `stmt.reader` says; that getter is a call into native code. */
type Prepared = { readonly statement: Database.Statement<unknown[]>; readonly isReader: boolean };

/** One connection to a database file, fit for durable writes. After an error it must be discarded. */
export interface Connection {
  exec(sql: string): void;
  /**
   * Syncs the log to disk: a process that was killed between a write and its fsync, or an fsync that failed,
   * leaves commits that no disk has yet. A checkpoint syncs the log first, and then writes all of it to the database.
   */
  sync(): void;
  run(statement: Statement): Row[];
  /** Commits the open transaction. Nothing may be called before it has ended. `isAside`: the event loop goes on, however long the disk takes. */
  commit(isAside: boolean): Promise<void>;
  /** Like `sync`, while the event loop goes on. Nothing may be called before it has ended. */
  moveLog(): Promise<void>;
  /** Undoes an open transaction and lets go. Does not throw, and says nothing of the outcome. */
  discard(): void;
}

/**
 * A commit that leaves this many pages in the log moves them into the file before it answers. SQLite's own 1,000 cost 30 % more processor time for messages
 * that are alone in their commits, because pages that many of them change are written out more often; 16,000 save little more, and others wait for longer.
 */
const logPagesMax = 4_000;
/** A log that a large transaction has made longer is cut to this. */
const logBytesMax = 32 * 1024 * 1024;
const syncLog = "PRAGMA wal_checkpoint(PASSIVE)";

export type ConnectionOptions = { readonly cacheBytes: number; readonly statementsMax: number };

export function openConnection(file: string, options: ConnectionOptions): Connection {
  const database = openFit(file, options.cacheBytes);
  const prepared = new Map<string, Prepared>();

  const prepare = (sql: string): Prepared => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= options.statementsMax) {
      const [oldest = ""] = prepared.keys();
      prepared.delete(oldest);
    }
    const statement = database.prepare(sql);
    const made = { statement, isReader: statement.reader };
    prepared.set(sql, made);
    return made;
  };

  return {
    exec(sql) {
      database.exec(sql);
    },
    sync() {
      database.exec(syncLog);
    },
    commit: (isAside) => (isAside ? execAside : execHere)(database, "COMMIT"),
    moveLog: () => execAside(database, syncLog),
    run({ sql, args }) {
      const { statement, isReader } = prepare(sql);
      // run() on a statement that returns rows leaves its write open and lost; all() steps it to its end.
      if (isReader) return statement.all(toArguments(args)) as Row[];
      statement.run(toArguments(args));
      return [];
    },
    discard() {
      prepared.clear();
      collectNowAndThen();
      // close() alone is not enough: the connection lives on, with its write lock, until every prepared
      // statement has been garbage collected.
      try {
        database.exec("ROLLBACK");
      } catch {
        // No transaction was open.
      }
      try {
        database.close();
      } catch {
        // It was closed before.
      }
    },
  };
}

function openFit(file: string, cacheBytes: number): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new (driver())(file);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA foreign_keys = ON");
    database.exec(`PRAGMA cache_size = -${Math.ceil(cacheBytes / 1024)}`);
    database.exec(`PRAGMA wal_autocheckpoint = ${logPagesMax}`);
    database.exec(`PRAGMA journal_size_limit = ${logBytesMax}`);
    assertPragma(database, "journal_mode", "wal");
    assertPragma(database, "synchronous", 2);
    assertPragma(database, "foreign_keys", 1);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof ChatError) throw cause;
    throw new ChatError("database_unfit", `The database file ${file} cannot be used: ${reasonOf(cause)}`, { cause });
  }
}

function assertPragma(database: Database.Database, name: string, wanted: string | number): void {
  const row: unknown = database.prepare(`PRAGMA ${name}`).all()[0];
  const value: unknown = typeof row === "object" && row !== null ? Object.values(row)[0] : undefined;
  if (value !== wanted) {
    throw new ChatError("database_unfit", `PRAGMA ${name} must be ${wanted}, the database says ${String(value)}`);
  }
}

/** The driver gives a connection's files back only when its statements are collected: an outage must not use them up. */
const discardsBetweenCollections = 16;
let discards = 0;

function collectNowAndThen(): void {
  discards++;
  if (discards % discardsBetweenCollections === 0) collect();
}

/** Collects garbage now, where the runtime allows it; its resources are released in the next turn of the event loop. Answers whether it is allowed. */
export function collect(): boolean {
  const runtime = globalThis as { Bun?: { gc(force: boolean): void }; gc?: () => void };
  if (runtime.Bun) runtime.Bun.gc(true);
  else runtime.gc?.();
  return runtime.Bun !== undefined || runtime.gc !== undefined;
}
