import { pathOfFileUrl, resolveDatabaseFile } from "./database-file.ts";
import type { Engine, Row, Statement } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { requireOneName } from "./file-guard.ts";
import { takeFileLock } from "./file-lock.ts";
import { openFile } from "./open-file.ts";

const beginWrite = "BEGIN IMMEDIATE";

/**
 * After this many commits the log is moved into the file at a moment when nothing waits. A message alone in its commit changes some ten pages, so that at
 * a low load no commit has to do it.
 */
const commitsBeforeRest = 300;

export type EmbeddedOptions = ({ readonly path: string } | { readonly url: string }) & {
  /** Memory for pages of the database. */
  readonly cacheBytes?: number;
  /** Statements kept prepared, by their text. */
  readonly statementsMax?: number;
};

/**
 * An engine on a database file of this machine, which belongs to this engine alone until it is closed.
 *
 * @throws {ChatError} `config_invalid` (no such folder, `:memory:`), `database_locked` (another process, or another engine, has it),
 * `database_unfit` (it is no database, does not promise durable commits, has a second name, or the log beside it belongs to another file).
 */
export function createEmbeddedEngine(options: EmbeddedOptions): Engine {
  const path = resolveDatabaseFile("path" in options ? options.path : pathOfFileUrl(options.url));
  requireOneName(path);
  const file = openFile(path, {
    cacheBytes: options.cacheBytes ?? 64 * 1024 * 1024,
    statementsMax: options.statementsMax ?? 256,
    lock: takeFileLock(path),
  });
  let isClosed = false;
  /** Since the log was last moved into the file by `rest`. */
  let commits = 0;

  // Nothing here awaits, so a call owns the connection from its first statement to its last.
  const call = (begin: string | undefined, statements: readonly Statement[]): Row[][] => {
    if (isClosed) throw closedFailure();
    if (statements.length === 0) return [];
    const isWrite = begin === beginWrite;
    const fault = isWrite ? file.fault(true) : undefined;
    if (fault) throw failure(fault);
    try {
      const connection = file.connect(isWrite);
      if (begin !== undefined) connection.exec(begin);
      const isFirstMark = isWrite && file.mark(connection);
      const results: Row[][] = [];
      for (const statement of statements) results.push(connection.run(statement));
      if (begin !== undefined) connection.exec("COMMIT");
      if (isWrite) {
        file.wrote(isFirstMark);
        commits++;
      }
      return results;
    } catch (error) {
      file.discard();
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
    rest() {
      if (isClosed || commits < commitsBeforeRest || file.fault(true)) return;
      commits = 0;
      try {
        file.connect(true).sync();
        file.wrote(false);
      } catch {
        file.discard();
      }
    },
    fault: () => (isClosed ? undefined : file.fault(false)),
    async close() {
      if (isClosed) return;
      isClosed = true;
      file.close();
    },
  };
}
