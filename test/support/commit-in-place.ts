/**
 * Loaded before tests, and imported where a database is used in virtual time: commits hold up the event loop, in place of a thread of the driver. Many tests
 * say what must happen between two turns of the event loop, and virtual time knows no threads. A server in a process of its own decides itself.
 */
import Database from "libsql";
import PromiseDatabase from "libsql/promise";

type ExecAside = (this: unknown, sql: string) => Promise<unknown>;

const { exec }: { exec(this: unknown, sql: string): unknown } = Database.prototype;
const global = globalThis as { [onThread: symbol]: unknown };
/** The driver's own; once, however many copies of this module are loaded. */
export const execOnThread = (global[Symbol.for("tidings.exec-on-thread")] ??=
  PromiseDatabase.prototype.exec) as ExecAside;

/** Commits hold up the event loop. */
export function commitInPlace(): void {
  PromiseDatabase.prototype.exec = async function (sql: string) {
    exec.call(this, sql);
  };
}

/** Commits run on a thread of the driver where the engine wants it, as they do outside of tests. */
export function commitOnThread(): void {
  PromiseDatabase.prototype.exec = execOnThread;
}

commitInPlace();
