import { statSync } from "node:fs";
import type Database from "libsql";
import { ChatError } from "../../error.ts";
import { createPrivate } from "./database-file.ts";
import { driver } from "./driver.ts";
import { reasonOf } from "./failure.ts";

/**
 * The connections that hold locks, each with the identity of its file. Without this reference a connection would be collected, and its lock with
 * it. All copies of this module in the process share it: a bundler makes several, and hot reload evaluates it again.
 */
const held = processWide("tidings.held-locks", () => new Map<Database.Database, string>());

function processWide<T>(name: string, make: () => T): T {
  const places = globalThis as { [place: symbol]: unknown };
  return (places[Symbol.for(name)] ??= make()) as T;
}

/** Of two engines that start at once one must succeed: each waits this long for the other to give up. */
const waitMs = 250;

/** The right to be the only engine on one database file, held until released. */
export interface FileLock {
  /**
   * Whether it still is the lock that others meet. Where its file was deleted, it is taken anew; false: another process was faster.
   */
  isHeld(): boolean;
  release(): void;
}

/**
 * Takes `<file>.lock` for this engine alone. The lock is SQLite's own, held by a transaction that never ends, so
 * the operating system lets go of it when the process dies, however it dies. It is a file of its own, so it
 * outlives any connection to the database. The file itself stays: to delete a lock file is a race.
 */
export function takeFileLock(databaseFile: string): FileLock {
  const file = `${databaseFile}.lock`;
  let owner = hold(databaseFile, { file, timeout: waitMs });
  let inode = inodeOf(file);
  return {
    isHeld() {
      if (inodeOf(file) === inode) return true;
      try {
        const next = hold(databaseFile, { file, timeout: 0 });
        letGo(owner);
        owner = next;
        inode = inodeOf(file);
        return true;
      } catch {
        return false;
      }
    },
    release: () => letGo(owner),
  };
}

/** The same for all names of a file. */
function identityOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? file : `${stat.dev}:${stat.ino}`;
}

const inodeOf = (file: string): bigint | undefined => statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;

function letGo(owner: Database.Database): void {
  held.delete(owner);
  owner.exec("ROLLBACK");
  owner.close();
}

function hold(
  databaseFile: string,
  { file, timeout }: { readonly file: string; readonly timeout: number },
): Database.Database {
  const Driver = driver();
  let connection: Database.Database | undefined;
  try {
    // A user of the system who may read the lock file could hold its lock and keep the server from starting. SQLite gives the journal beside it
    // the same mode.
    createPrivate(file);
    connection = new Driver(file, { timeout });
    // Only exec(): a prepared statement would keep the connection, and the lock, alive after close().
    connection.exec("PRAGMA journal_mode = delete");
    connection.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    connection?.close();
    if (isBusy(cause)) {
      const isOwn = [...held.values()].includes(identityOf(file));
      throw new ChatError(
        "database_locked",
        isOwn
          ? `${databaseFile} is in use: this process has it open already. Where its code runs again, as under bun --hot, or stands in several ` +
              "bundles, as with Next.js, keep the chat on globalThis (docs/mounting.md#hot-reload)"
          : `${databaseFile} is in use: another process holds ${file}. Stop that process first, or give this one another database`,
        { cause },
      );
    }
    throw new ChatError("database_unfit", `The lock file ${file} cannot be held: ${reasonOf(cause)}`, { cause });
  }
  held.set(connection, identityOf(file));
  return connection;
}

function isBusy(error: unknown): boolean {
  return error instanceof driver().SqliteError && error.code.startsWith("SQLITE_BUSY");
}
