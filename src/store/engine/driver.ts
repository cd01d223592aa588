import { createRequire } from "node:module";
import type Database from "libsql";
import { ChatError } from "../../error.ts";

type Driver = typeof Database;

let loaded: Driver | undefined;

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
