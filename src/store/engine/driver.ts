import { createRequire } from "node:module";
import type Database from "libsql";

type Driver = typeof Database;

let loaded: Driver | undefined;

/**
 * The driver of database files, which is native code: loaded when the first file is opened, and left out by bundlers. Who has a remote database
 * needs none.
 */
export function driver(): Driver {
  loaded ??= createRequire(import.meta.url)("libsql") as Driver;
  return loaded;
}
