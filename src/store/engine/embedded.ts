import { createCallOrder } from "./call-order.ts";
import { createDiskPace } from "./disk-pace.ts";
import { pathOfFileUrl, resolveDatabaseFile } from "./database-file.ts";
import type { Engine, Row, Statement } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { requireOneName } from "./file-guard.ts";
import { takeFileLock } from "./file-lock.ts";
import { openFile } from "./open-file.ts";

/**
 * After this many commits the log is moved into the file at a moment when nothing waits. A message alone in its commit changes some ten pages, so that at
 * a low load no commit has to do it. Where no such moment comes, the log is long, and a commit may have to move it.
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
  /** While a commit waits for the disk, nothing else may use the connection. */
  const order = createCallOrder();
  const pace = createDiskPace();
  let closing: Promise<void> | undefined;
  /** Since the log was last moved into the file. */
  let commits = 0;

  const read = (statements: readonly Statement[]): Row[][] => {
    try {
      const connection = file.connect(false);
      const isMany = statements.length > 1;
      if (isMany) connection.exec("BEGIN");
      const results = statements.map((statement) => connection.run(statement));
      if (isMany) connection.exec("COMMIT");
      return results;
    } catch (error) {
      file.discard();
      throw failure(error);
    }
  };

  const write = async (statements: readonly Statement[]): Promise<Row[][]> => {
    const fault = file.fault(true);
    if (fault) throw failure(fault);
    try {
      const connection = file.connect(true);
      const begun = performance.now();
      connection.exec("BEGIN IMMEDIATE");
      const isFirstMark = file.mark(connection);
      const results = statements.map((statement) => connection.run(statement));
      const ready = performance.now();
      const isLogLong = commits >= commitsBeforeRest;
      await connection.commit(pace.isAside({ statementsMs: ready - begun, isLogLong }));
      pace.took(performance.now() - ready);
      commits = file.wrote(isFirstMark) ? 0 : commits + 1;
      return results;
    } catch (error) {
      file.discard();
      throw failure(error);
    }
  };

  const moveLog = async (): Promise<void> => {
    try {
      await file.connect(true).moveLog();
      file.wrote(false);
    } catch {
      file.discard();
    }
  };

  return {
    isExclusive: true,
    async read(statements) {
      if (closing) throw closedFailure();
      return statements.length === 0 ? [] : await order.run(() => read(statements));
    },
    async write(statements) {
      if (closing) throw closedFailure();
      return statements.length === 0 ? [] : await order.run(() => write(statements));
    },
    rest() {
      if (closing || order.isBusy() || commits < commitsBeforeRest || file.fault(true)) return;
      commits = 0;
      void order.run(moveLog);
    },
    // There was none when the call that is under way began.
    fault: () => (closing || order.isBusy() ? undefined : file.fault(false)),
    close: () => (closing ??= order.run(() => file.close())),
  };
}
