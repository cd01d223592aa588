import { defineCommand } from "citty";
import { systemRandom } from "../internal/random.ts";
import { requireWhole } from "../store/engine/backup-file.ts";
import { newEpoch } from "../store/epoch.ts";
import { command } from "./command.ts";
import { databaseArgs, withExisting } from "./database.ts";

const epochNew = command(
  "new",
  "Names a new history after a restore: devices drop their caches and fetch again",
  databaseArgs,
  async (args) => {
    const epoch = await withExisting(args, async (engine) => {
      // A server checks its own.
      if (engine.isExclusive) await requireWhole(engine);
      return await newEpoch(engine, systemRandom);
    });
    console.log(`epoch ${epoch}`);
  },
);

export const epochCommand = defineCommand({
  meta: { name: "epoch", description: "The name of the log's history" },
  subCommands: { new: epochNew },
});
