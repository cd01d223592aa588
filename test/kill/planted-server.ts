/**
 * The standalone server with one planted bug, for negative controls: it answers `accepted` before the commit. Writes run in a
 * transaction that stays open, their results go out at once, and the commit follows COMMIT_DELAY_MS later. While it
 * lives nobody can tell; killed, it has lost what it accepted.
 */
import { plugin } from "bun";
import { openConnection } from "../../src/store/engine/connection.ts";
import { pathOfFileUrl, resolveDatabaseFile } from "../../src/store/engine/database-file.ts";
import type { Engine, Statement } from "../../src/store/engine/engine.ts";

const commitDelayMs = Number(process.env["COMMIT_DELAY_MS"] ?? "100");

function openPlantedEngine({ url }: { readonly url: string }): Engine {
  const file = resolveDatabaseFile(pathOfFileUrl(url));
  const connection = openConnection(file, { cacheBytes: 8_388_608, statementsMax: 256 });
  let isOpen = false;
  const commit = (): void => {
    if (isOpen) connection.exec("COMMIT");
    isOpen = false;
  };
  return {
    read: async (statements: readonly Statement[]) => statements.map((statement) => connection.run(statement)),
    write: async (statements: readonly Statement[]) => {
      if (!isOpen) {
        connection.exec("BEGIN IMMEDIATE");
        isOpen = true;
        setTimeout(commit, commitDelayMs);
      }
      return statements.map((statement) => connection.run(statement));
    },
    close: async () => {
      commit();
      connection.discard();
    },
  };
}

Object.assign(globalThis, { openPlantedEngine });

plugin({
  name: "planted engine",
  setup(build) {
    build.onLoad({ filter: /store\/engine\/open\.ts$/ }, () => ({
      contents: "export const openEngine = (options) => globalThis.openPlantedEngine(options);",
      loader: "js",
    }));
  },
});

await import("../../src/server.ts");
