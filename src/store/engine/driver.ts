import { createRequire } from "node:module";
import type Database from "libsql";
import type PromiseDatabase from "libsql/promise";
import { ChatError } from "../../error.ts";

type Driver = typeof Database;

let loaded: Driver | undefined;
let loadedAside: typeof PromiseDatabase | undefined;

/**
 * The driver of database files, which is native code: loaded when the first file is opened, and left out by bundlers. A remote database
 * needs none.
 *
 * @throws ChatError `config_invalid`: it is not there, or not for this machine.
 */
export function driver(): Driver {
  try {
    loaded ??= createRequire(import.meta.url)("libsql") as Driver;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    throw new ChatError(
      "config_invalid",
      `A database file needs the package libsql with its native part for this machine, which cannot be loaded: ${reason}`,
      { cause },
    );
  }
  return loaded;
}

/**
 * Runs SQL without rows on a thread of the driver, so that the event loop goes on while a disk works. The connection must not be used before it has
 * ended: a call would stop the event loop until then.
 *
 * The driver has this function for the connections of its other module only, which wrap the same native object.
 */
export async function execAside(database: Database.Database, sql: string): Promise<void> {
  loadedAside ??= createRequire(import.meta.url)("libsql/promise") as typeof PromiseDatabase;
  await (loadedAside.prototype.exec.call(database, sql) as Promise<unknown>);
}

/** The same, while the event loop waits; it answers in the same turn as `execAside` would without a thread. */
export async function execHere(database: Database.Database, sql: string): Promise<void> {
  await execNow(database, sql);
}

const execNow = async (database: Database.Database, sql: string): Promise<unknown> => database.exec(sql);
