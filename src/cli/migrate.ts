import { createInterface } from "node:readline/promises";
import { ChatError } from "../error.ts";
import { bundledMigrations } from "../store/migration/bundled.ts";
import { force, migrate, type Status, statusOf } from "../store/migration/migrate.ts";
import { labelOf, type Migration } from "../store/migration/migration.ts";
import type { Target } from "../store/migration/plan.ts";
import { readFolder } from "../store/migration/read-folder.ts";
import { redactUrl } from "../store/engine/redact-url.ts";
import { command, group } from "./command.ts";
import { databaseArgs, type DatabaseAddress, withEngine, withExisting, withReader } from "./database.ts";
import { type Listed, addressOfListed, readDatabaseList } from "./database-list.ts";

const args = {
  dir: { type: "string", description: "Folder of the migrations; default: Tidings' own" },
  ...databaseArgs,
} as const;

const all = {
  type: "string",
  description: "A file that lists databases, one a line: URL, and a token or $NAME of a variable",
} as const;
const yes = {
  type: "boolean",
  description: "Do not ask before everything is taken back, which deletes the data",
} as const;
const count = { type: "positional", required: false, description: "How many; default: all" } as const;
const target = { type: "positional", required: true, description: "A version; 0: before the first migration" } as const;

type MigrationArgs = DatabaseAddress & { readonly dir?: string | undefined };

const migrationsOf = ({ dir }: MigrationArgs): readonly Migration[] =>
  dir === undefined ? bundledMigrations : readFolder(dir);

const up = command({
  description: "Apply what is pending, or the next N",
  args: { ...args, all, n: count },
  async run(args) {
    const to = args.n === undefined ? "latest" : { up: countOf(args.n) };
    if (args.all === undefined) return void (await run(args, { to }));
    const migrations = migrationsOf(args);
    await each(listOf(args), ["migrated", "with nothing to do"], async (address) => {
      const steps = await run(address, { migrations, to, indent: "  " });
      return steps === 0 ? "with nothing to do" : "migrated";
    });
  },
});

const down = command({
  description: "Take back everything, or the last N",
  args: { ...args, n: count, yes },
  async run(args) {
    const n = args.n === undefined ? undefined : countOf(args.n);
    if (await isAllOf(args, n)) await confirmAll(args.yes);
    await run(args, { to: n === undefined ? { version: 0 } : { down: n } });
  },
});

const goto = command({
  description: "Go up or down to version V",
  args: { ...args, v: target, yes },
  async run(args) {
    const version = integerOf(args.v);
    if (version === 0) await confirmAll(args.yes);
    await run(args, { to: { version } });
  },
});

const version = command({
  description: "Print the version of the database",
  args,
  async run(args) {
    const { version, isDirty } = await withReader(args, (engine) => statusOf(engine, []));
    console.log(isDirty ? `${version} (dirty)` : `${version}`);
  },
});

const status = command({
  description: "List every migration and whether it is applied",
  args: { ...args, all },
  async run(args) {
    const migrations = migrationsOf(args);
    if (args.all === undefined) return show(await withReader(args, (engine) => statusOf(engine, migrations)));
    await each(listOf(args), ["up to date", "with pending migrations"], async (address) => {
      const found = await withReader(address, (engine) => statusOf(engine, migrations));
      show(found, "  ");
      return found.entries.some(({ standing }) => standing === "pending") ? "with pending migrations" : "up to date";
    });
  },
});

function show({ entries, refusal, isUnprefixed }: Status, indent = ""): void {
  if (isUnprefixed)
    console.log(
      `${indent}the tables have names of before the prefix tidings_: \`up\` renames them first, nothing is lost`,
    );
  const width = Math.max(0, ...entries.map((entry) => labelOf(entry).length));
  for (const entry of entries) console.log(`${indent}${labelOf(entry).padEnd(width)}  ${entry.standing}`);
  if (refusal !== undefined) throw refusal;
}

const forceTo = command({
  description: "Declare the schema to be at version V and clean; runs nothing",
  args: { ...args, v: target },
  async run(args) {
    const version = integerOf(args.v);
    const migrations = migrationsOf(args);
    await withExisting(args, (engine) => force(engine, { migrations, version }));
    console.log(`at version ${version}`);
  },
});

/** The commands that migrate a database. golang-migrate can be used on the same database (src/store/migration). */
export const migrateCommands = { up, down, goto, version, status, force: forceTo };

export const migrateCommand = group("Migrates a Tidings database", migrateCommands);

/** Whether `n` steps down would remove the whole schema. */
async function isAllOf(address: MigrationArgs, n: number | undefined): Promise<boolean> {
  const migrations = migrationsOf(address);
  const { version, isUnprefixed } = await withReader(address, (engine) => statusOf(engine, migrations));
  if (n === undefined || isUnprefixed) return true;
  const applied = migrations.filter((migration) => migration.version <= version).length;
  return applied > 0 && n >= applied;
}

type Run = { readonly to: Target; readonly migrations?: readonly Migration[]; readonly indent?: string };

/** Returns the number of steps that were applied. */
async function run(
  address: MigrationArgs,
  { to, migrations = migrationsOf(address), indent = "" }: Run,
): Promise<number> {
  const steps = await withEngine(address, (engine) =>
    migrate(engine, migrations, {
      to,
      onRename: () => console.log(`${indent}renamed the tables: they have the prefix tidings_ now`),
      onStep: ({ direction, migration }) => console.log(`${indent}${direction} ${labelOf(migration)}`),
    }),
  );
  if (steps.length === 0) console.log(`${indent}nothing to do`);
  return steps.length;
}

function listOf({ all = "", database, "auth-token": token }: MigrationArgs & { readonly all?: string | undefined }) {
  if (database !== databaseArgs.database.default || token !== undefined)
    throw new ChatError(
      "config_invalid",
      "The list of --all names the databases and their tokens: leave --database and --auth-token out",
    );
  return readDatabaseList(all);
}

/** Runs a task for each database in turn; a failure does not stop the rest. `outcomes` are the results that are counted, in their order. */
async function each<Outcome extends string>(
  list: readonly Listed[],
  outcomes: readonly Outcome[],
  task: (address: DatabaseAddress) => Promise<Outcome>,
): Promise<void> {
  const counts = new Map<string, number>();
  const add = (outcome: string): void => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  for (const listed of list) {
    const name = redactUrl(listed.url);
    console.log(name);
    try {
      add(await task(addressOfListed(listed)));
    } catch (error) {
      console.error(`${name}: ${error instanceof ChatError ? error.message : String(error)}`);
      add("failed");
    }
  }
  const parts = [...outcomes, "failed"].flatMap((outcome) =>
    counts.has(outcome) ? [`${counts.get(outcome)} ${outcome}`] : [],
  );
  console.log(`${list.length} ${list.length === 1 ? "database" : "databases"}: ${parts.join(", ")}`);
  if (counts.has("failed")) process.exitCode = 1;
}

async function confirmAll(isSure: boolean | undefined): Promise<void> {
  if (isSure) return;
  const warning = "This takes back every migration, and deletes all data of the chat";
  if (!process.stdin.isTTY) throw new ChatError("migration_refused", `${warning}. Add --yes if that is meant`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    if ((await terminal.question(`${warning}. Type yes to go on: `)) !== "yes")
      throw new ChatError("migration_refused", "Nothing was taken back");
  } finally {
    terminal.close();
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
