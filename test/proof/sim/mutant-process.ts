/**
 * Searches for mutants: for each name that it reads from its input, runs worlds until one of them fails, and prints which and why, as a line of
 * JSON. For `no mutant` the world of the first mutant runs, which may not fail.
 *
 *   echo "a retry that is stored again" | bun test/proof/sim/mutant-process.ts [SEEDS]
 */
import { join } from "node:path";
import { type PlantName, plant } from "../../plants/index.ts";
import { createReloader } from "../../support/reload-altered.ts";
import type { SimDatabase } from "./database.ts";
import { mutants } from "./mutants.ts";

type OpenDatabase = () => Promise<SimDatabase>;
type Found = { readonly seed: number; readonly problems: readonly string[] };

const seeds = Number(process.argv[2] ?? 1_000);
const noMutant = "no mutant";
const plantsOf = (name: string) => (name === noMutant ? [] : plant(name as PlantName));
const reloader = createReloader({
  entries: ["database.ts", "plan.ts", "run-world.ts"].map((file) => join(import.meta.dir, file)),
  files: [...new Set(mutants.flatMap(({ name }) => plantsOf(name)).map(({ file }) => file))],
});
let open: { readonly by: OpenDatabase; readonly database: SimDatabase } | undefined;

/** The database that was opened last, unless this mutant changes how one is opened. */
async function databaseOf(openDatabase: OpenDatabase): Promise<SimDatabase> {
  if (open?.by === openDatabase) return open.database;
  await open?.database.close();
  open = { by: openDatabase, database: await openDatabase() };
  return open.database;
}

async function search(name: string): Promise<Found | null> {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined && name !== noMutant) throw new Error(`There is no mutant "${name}"`);
  reloader.loadWith(plantsOf(name));
  // Imported only now, so that the modules are altered.
  const { openDatabase } = await import("./database.ts");
  const { drawPlan } = await import("./plan.ts");
  const { runWorld } = await import("./run-world.ts");
  const database = await databaseOf(openDatabase);
  const rules = new Set(mutant?.rule.split(" "));
  const isEnough = (problem: string): boolean => !mutant || rules.has(problem.split(" ", 1)[0] ?? "");
  /** First the world that found it last; then, since worlds change with the code, those that found others, in which much happens; then all from 1. */
  const known = mutants.map(({ seed }) => seed);
  const more = seeds > 0 ? [...known, ...Array.from({ length: seeds }, (_, i) => i + 1)] : [];
  for (const seed of new Set(mutant ? [mutant.seed, ...more] : known.slice(0, 1))) {
    const { problems } = await runWorld(drawPlan(seed), database, { isEnough });
    if (problems.some(isEnough)) return { seed, problems: problems.slice(0, 20) };
  }
  return null;
}

for await (const name of console) if (name !== "") console.log(JSON.stringify(await search(name)));
await open?.database.close();
