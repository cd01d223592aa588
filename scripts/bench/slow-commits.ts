/**
 * Loaded before a server: adds COMMIT_DELAY_MS to each of its commits, right after the driver's own COMMIT, as a slow fsync would. A commit that
 * holds the event loop goes on doing so; one on a thread of the driver leaves it free.
 */
import Database from "libsql";
import PromiseDatabase from "libsql/promise";

const delayMs = Number(process.env["COMMIT_DELAY_MS"] ?? 0);
const prototype: Database.Database = Database.prototype;
const exec = prototype.exec;
prototype.exec = function (this: Database.Database, sql: string) {
  const result = exec.call(this, sql);
  if (sql === "COMMIT") Bun.sleepSync(delayMs);
  return result;
};

const execAside: (this: unknown, sql: string) => Promise<unknown> = PromiseDatabase.prototype.exec;
PromiseDatabase.prototype.exec = async function (sql: string) {
  await execAside.call(this, sql);
  if (sql === "COMMIT") await Bun.sleep(delayMs);
};
