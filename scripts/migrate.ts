/**
 * `tidings migrate` with the files of migrations/ in place of the migrations that were bundled from them, and one command more, for
 * those who write migrations: bun scripts/migrate.ts create NAME (--help lists the rest).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, group } from "../src/cli/command.ts";
import { migrateCommands } from "../src/cli/migrate.ts";
import { runProgram } from "../src/cli/program.ts";
import { ChatError } from "../src/error.ts";
import { labelOf } from "../src/store/migration/migration.ts";
import { readFolder } from "../src/store/migration/read-folder.ts";

const folder = fileURLToPath(new URL("../migrations", import.meta.url));

const createArgs = {
  dir: { type: "string", description: "Folder of the migrations", default: folder },
  name: { type: "positional", required: true, description: "What it does, in a few words" },
} as const;

const create = command({
  description: "Make the next numbered pair of files",
  args: createArgs,
  run(args) {
    const name = args.name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_|_$/g, "");
    if (name === "")
      throw new ChatError("config_invalid", `A name has letters or digits, got ${JSON.stringify(args.name)}`);
    mkdirSync(args.dir, { recursive: true });
    const label = labelOf({ version: (readFolder(args.dir).at(-1)?.version ?? 0) + 1, name });
    for (const direction of ["up", "down"]) {
      const file = join(args.dir, `${label}.${direction}.sql`);
      writeFileSync(file, "", { flag: "wx" });
      console.log(file);
    }
  },
});

const main = group("Migrates a Tidings database", { ...migrateCommands, create });

const rawArgs = process.argv.slice(2);
const isPlain = rawArgs.length === 0 || rawArgs.some((arg) => /^--dir(=|$)/.test(arg));
await runProgram({ name: "migrate", main, rawArgs: isPlain ? rawArgs : [...rawArgs, "--dir", folder] });
