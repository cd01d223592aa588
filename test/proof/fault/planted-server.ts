/**
 * The standalone server with one planted bug, for negative controls; PLANT is its name:
 *
 *   swallow    a failed commit is answered as a success, on the connection that saw the error
 *   no fsync   commits are not synced, so that no failed sync is ever noticed
 */
import { openConnection } from "../../../src/store/engine/connection.ts";
import { pathOfFileUrl, resolveDatabaseFile } from "../../../src/store/engine/database-file.ts";
import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import { plantEngine } from "../../support/plant-engine.ts";

function openPlantedEngine({ url }: { readonly url: string }): Engine {
  const file = resolveDatabaseFile(pathOfFileUrl(url));
  const connection = openConnection(file, { cacheBytes: 8_388_608, statementsMax: 256 });
  if (process.env["PLANT"] === "no fsync") connection.exec("PRAGMA synchronous = OFF");
  const swallow = (sql: string): void => {
    try {
      connection.exec(sql);
    } catch {
      // This is the bug.
    }
  };
  return {
    read: async (statements: readonly Statement[]) => statements.map((statement) => connection.run(statement)),
    write: async (statements: readonly Statement[]): Promise<Row[][]> => {
      connection.exec("BEGIN IMMEDIATE");
      const rows = statements.map((statement) => connection.run(statement));
      swallow("COMMIT");
      return rows;
    },
    close: async () => connection.discard(),
  };
}

plantEngine(openPlantedEngine);

await import("../../../src/server.ts");
