/**
 * Loaded before a server: adds COMMIT_DELAY_MS to each of its commits. The driver is synchronous, so a slow fsync holds the event loop
 * meanwhile: this sleeps in the same place, right after the driver's COMMIT.
 */
import Database from "libsql";

const delayMs = Number(process.env["COMMIT_DELAY_MS"] ?? 0);
const prototype: Database.Database = Database.prototype;
const exec = prototype.exec;
prototype.exec = function (this: Database.Database, sql: string) {
  const result = exec.call(this, sql);
  if (sql === "COMMIT") Bun.sleepSync(delayMs);
  return result;
};
