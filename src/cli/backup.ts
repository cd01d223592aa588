import { systemRandom } from "../internal/random.ts";
import { backUpFile, requireWhole, restoreFile } from "../store/engine/backup-file.ts";
import { newEpoch } from "../store/epoch.ts";
import { command, group } from "./command.ts";
import { databaseArgs, withExisting } from "./database.ts";

const { database } = databaseArgs;

export const backupCommand = command({
  description: "Writes a checked copy of a database file, also while a server has it open",
  args: { file: { type: "positional", required: true, description: "The copy; must not exist" }, database },
  run(args) {
    const { bytes } = backUpFile(args.database, args.file);
    console.log(`backup ${args.file} (${bytes} bytes, checked)`);
  },
});

export const restoreCommand = command({
  description: "Puts a backup in the place of a database file; the server is stopped meanwhile",
  args: { file: { type: "positional", required: true, description: "The backup" }, database },
  async run(args) {
    const { result: epoch, kept } = await restoreFile(args.file, {
      url: args.database,
      prepare: (engine) => newEpoch(engine, systemRandom),
    });
    console.log(`restored ${args.file} (checked)\nepoch ${epoch}`);
    if (kept !== undefined) console.log(`kept the replaced file as ${kept}: delete it when you are sure`);
  },
});

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
