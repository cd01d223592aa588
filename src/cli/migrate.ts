/**
 * Migrates a database: bun scripts/migrate.ts up | down | goto | version | status | create | force (--help tells more).
 * The database may be in use by golang-migrate too: see src/store/migration.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { type ArgsDef, defineCommand, type ParsedArgs, runCommand, runMain } from "citty";
import { ChatError } from "../src/error.ts";
import type { Engine } from "../src/store/engine/engine.ts";
import { openEngine } from "../src/store/engine/open.ts";
import { force, migrate, statusOf } from "../src/store/migration/migrate.ts";
import { labelOf } from "../src/store/migration/migration.ts";
import type { Target } from "../src/store/migration/plan.ts";
import { readFolder } from "../src/store/migration/read-folder.ts";

const folderArgs = {
  dir: {
    type: "string",
    description: "Folder of the migrations",
    default: fileURLToPath(new URL("../migrations", import.meta.url)),
  },
} as const;

const args = {
  ...folderArgs,
  database: {
    type: "string",
    description: "file:chat.db or libsql://host, also from DATABASE_URL",
    default: process.env.DATABASE_URL || "file:tidings.db",
  },
  "auth-token": {
    type: "string",
    description: "Token for a remote database, also from DATABASE_AUTH_TOKEN",
  },
} as const;

const yes = { type: "boolean", description: "Do not ask before everything is taken back" } as const;
const count = { type: "positional", required: false, description: "How many; default: all" } as const;
const target = { type: "positional", required: true, description: "A version; 0: before the first migration" } as const;

type Place = { readonly dir: string; readonly database: string; readonly "auth-token"?: string | undefined };

const up = command("up", "Apply what is pending, or the next N", { ...args, n: count }, async (args) => {
  await go(args, args.n === undefined ? "latest" : { up: countOf(args.n) });
});

const down = command("down", "Take back everything, or the last N", { ...args, n: count, yes }, async (args) => {
  if (args.n === undefined) confirmAll(args.yes);
  await go(args, args.n === undefined ? { version: 0 } : { down: countOf(args.n) });
});

const goto = command("goto", "Go up or down to version V", { ...args, v: target, yes }, async (args) => {
  const version = integerOf(args.v);
  if (version === 0) confirmAll(args.yes);
  await go(args, { version });
});

const version = command("version", "Print the version of the database", args, async (args) => {
  const { version, isDirty } = await withEngine(args, (engine) => statusOf(engine, []));
  console.log(isDirty ? `${version} (dirty)` : `${version}`);
});

const status = command("status", "List every migration and whether it is applied", args, async (args) => {
  const migrations = readFolder(args.dir);
  const { entries, refusal } = await withEngine(args, (engine) => statusOf(engine, migrations));
  const width = Math.max(0, ...entries.map((entry) => labelOf(entry).length));
  for (const entry of entries) console.log(`${labelOf(entry).padEnd(width)}  ${entry.standing}`);
  if (refusal !== undefined) throw refusal;
});

const name = { type: "positional", required: true, description: "What it does, in a few words" } as const;
const create = command("create", "Make the next numbered pair of files", { ...folderArgs, name }, (args) => {
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
});

const forceTo = command(
  "force",
  "Declare the schema to be at version V and clean; runs nothing",
  { ...args, v: target },
  async (args) => {
    const version = integerOf(args.v);
    const migrations = readFolder(args.dir);
    await withEngine(args, (engine) => force(engine, migrations, version));
    console.log(`at version ${version}`);
  },
);

const main = defineCommand({
  meta: { name: "migrate", description: "Migrates a Tidings database" },
  subCommands: { up, down, goto, version, status, create, force: forceTo },
});

function command<const T extends ArgsDef>(
  name: string,
  description: string,
  args: T,
  run: (args: ParsedArgs<T>) => unknown,
) {
  return defineCommand({
    meta: { name, description },
    args,
    async run(context) {
      refuseStray(context.rawArgs, args);
      await run(context.args);
    },
  });
}

async function go(place: Place, to: Target): Promise<void> {
  const migrations = readFolder(place.dir);
  const steps = await withEngine(place, (engine) =>
    migrate(engine, migrations, {
      to,
      onStep: ({ direction, migration }) => console.log(`${direction} ${labelOf(migration)}`),
    }),
  );
  if (steps.length === 0) console.log("nothing to do");
}

async function withEngine<T>(place: Place, use: (engine: Engine) => Promise<T>): Promise<T> {
  const authToken = place["auth-token"] ?? process.env.DATABASE_AUTH_TOKEN;
  const engine = openEngine(authToken ? { url: place.database, authToken } : { url: place.database });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

function confirmAll(isSure: boolean | undefined): void {
  if (isSure) return;
  const warning = "This takes back every migration, and deletes the data in what they made";
  if (!process.stdin.isTTY) throw new ChatError("migration_refused", `${warning}. Add --yes if that is meant`);
  if (prompt(`${warning}. Type yes to go on:`) !== "yes")
    throw new ChatError("migration_refused", "Nothing was taken back");
}

/** A misspelt --database must not end in migrating the default one, and the parser takes any word for a flag. */
function refuseStray(rawArgs: readonly string[], defined: ArgsDef): void {
  const left = Object.entries(defined);
  const isFlag = new Map(
    left.filter(([, { type }]) => type !== "positional").map(([name, { type }]) => [`--${name}`, type]),
  );
  let positionals = left.length - isFlag.size;
  for (let i = 0; i < rawArgs.length; i++) {
    const arg = rawArgs[i] ?? "";
    const type = isFlag.get(arg.replace(/=.*$/s, ""));
    if (type === "string" && !arg.includes("=")) i += 1;
    if (type !== undefined || (!arg.startsWith("-") && positionals-- > 0)) continue;
    throw new ChatError("config_invalid", `There is no such argument, got ${arg}`);
  }
}

function countOf(text: string): number {
  const value = integerOf(text);
  if (value === 0) throw new ChatError("config_invalid", "How many is a number from 1 up, got 0");
  return value;
}

function integerOf(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new ChatError("config_invalid", `A number is wanted, got ${JSON.stringify(text)}`);
}

const rawArgs = process.argv.slice(2);
try {
  const isHelp = rawArgs.some((arg) => arg === "--help" || arg === "-h");
  if (!isHelp && rawArgs[0]?.startsWith("-"))
    throw new ChatError("config_invalid", `The command comes first, got ${rawArgs[0]}`);
  await (isHelp ? runMain(main, { rawArgs }) : runCommand(main, { rawArgs }));
} catch (error) {
  if (error instanceof ChatError) console.error(error.message);
  else if (error instanceof Error && error.name === "CLIError") {
    const text = stripVTControlCharacters(error.message).replace(/\.$/, "");
    console.error(`${text}. Run with --help to see the commands`);
  } else console.error(error);
  process.exitCode = 1;
}
