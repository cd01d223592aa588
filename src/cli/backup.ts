import { systemRandom } from "../internal/random.ts";
import { backUpFile, restoreFile } from "../store/engine/backup-file.ts";
import { newEpoch } from "../store/epoch.ts";
import { command } from "./command.ts";
import { databaseArgs } from "./database.ts";

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
