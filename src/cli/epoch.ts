import { systemRandom } from "../internal/random.ts";
import { requireWhole } from "../store/engine/backup-file.ts";
import { newEpoch } from "../store/epoch.ts";
import { command, group } from "./command.ts";
import { databaseArgs, withExisting } from "./database.ts";

const epochNew = command({
  description: "Names a new history after a restore: devices drop their caches and fetch again",
  args: databaseArgs,
  async run(args) {
    const epoch = await withExisting(args, async (engine) => {
      // A server checks its own.
      if (engine.isExclusive) await requireWhole(engine);
      return await newEpoch(engine, systemRandom);
    });
    console.log(`epoch ${epoch}`);
  },
});

export const epochCommand = group("The name of the log's history", { new: epochNew });
