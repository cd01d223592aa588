/**
 * The standalone server with one planted bug, for negative controls. PLANT is its name:
 *
 *   early      answers `accepted` before the commit, which follows COMMIT_DELAY_MS later. While the server lives the difference is
 *              invisible; killed, it has lost accepted messages.
 *   forgetful  stores a retry as a new message.
 *   deaf       ignores SIGTERM.
 *   hasty      exits at once on SIGTERM, with 0 as if all were well; otherwise like `early`.
 */
import { openConnection } from "../../../src/store/engine/connection.ts";
import { pathOfFileUrl, resolveDatabaseFile } from "../../../src/store/engine/database-file.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine, Statement } from "../../../src/store/engine/engine.ts";
import { plant as plantOf } from "../../plants/index.ts";
import { plantEngine } from "../../support/plant-engine.ts";
import { rewrite } from "../../support/rewrite.ts";

export type Plant = "early" | "forgetful" | "deaf" | "hasty";

const plant = process.env["PLANT"] as Plant;
const commitDelayMs = Number(process.env["COMMIT_DELAY_MS"] ?? "60");

function openPlantedEngine({ url }: { readonly url: string }): Engine {
  if (plant === "deaf") return createEmbeddedEngine({ url });
  return plant === "forgetful" ? openForgetful(url) : openEarly(url);
}

/** Writes run in a transaction that stays open, and their results are returned at once. */
function openEarly(url: string): Engine {
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

/** The insert no longer looks for existing ids, and gives a retry an id of its own. */
function openForgetful(url: string): Engine {
  const engine = createEmbeddedEngine({ url });
  const forgetful = plantOf("a retry is stored as a new message");
  return { ...engine, write: (statements) => engine.write(rewrite(statements, forgetful)) };
}

plantEngine(openPlantedEngine);

await import("../../../src/server.ts");

if (plant === "deaf" || plant === "hasty") {
  process.removeAllListeners("SIGTERM");
  process.on("SIGTERM", () => {
    if (plant === "hasty") process.exit(0);
  });
}
