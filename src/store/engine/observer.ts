import type Database from "libsql";
import { toArguments } from "./arguments.ts";
import { pathOfFileUrl, resolveDatabaseFile } from "./database-file.ts";
import type { Engine, Row } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { driver } from "./driver.ts";

/**
 * An engine that only looks, at a file that another process serves. It takes no lock, writes nothing and never checkpoints: two
 * connections that do could harm the file.
 *
 * @throws {ChatError} `config_invalid`: no such folder, `:memory:`.
 */
export function createObserverEngine({ url }: { readonly url: string }): Engine {
  const file = resolveDatabaseFile(pathOfFileUrl(url));
  let database: Database.Database | null = new (driver())(file, { readonly: true });
  return {
    async read(statements) {
      if (database === null) throw closedFailure();
      try {
        database.exec("BEGIN");
        const results = statements.map(({ sql, args }) => database?.prepare(sql).all(toArguments(args)) as Row[]);
        database.exec("COMMIT");
        return results;
      } catch (error) {
        throw failure(error);
      }
    },
    write: () => Promise.reject(failure(new Error("This connection only reads"))),
    async close() {
      database?.close();
      database = null;
    },
  };
}
