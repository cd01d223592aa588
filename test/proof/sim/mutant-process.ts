/**
 * Searches for one mutant: runs worlds until one of them fails, and prints which and why, as JSON.
 *
 *   bun test/proof/sim/mutant-process.ts NAME [SEEDS]
 */
import { plant } from "../../plants/index.ts";
import { alterSource } from "../../support/alter-source.ts";
import { mutants } from "./mutants.ts";

const [, , name, seeds = "1000"] = process.argv;
const mutant = mutants.find((one) => one.name === name);
if (!mutant) throw new Error(`There is no mutant "${name}"`);
alterSource(plant(mutant.name));

// Imported only now, so that the modules are altered.
const { openDatabase } = await import("./database.ts");
const { drawPlan } = await import("./plan.ts");
const { runWorld } = await import("./run-world.ts");

const database = await openDatabase();
let found: { readonly seed: number; readonly problems: readonly string[] } | null = null;
const rules = new Set(mutant.rule.split(" "));
/** First the world that found it last; then, since worlds change with the code, those that found others, in which much happens; then all from 1. */
const worlds = new Set([
  mutant.seed,
  ...(Number(seeds) > 0 ? mutants.map(({ seed }) => seed) : []),
  ...Array.from({ length: Number(seeds) }, (_, i) => i + 1),
]);
for (const seed of worlds) {
  if (found !== null) break;
  const { problems } = await runWorld(drawPlan(seed), database);
  if (problems.some((problem) => rules.has(problem.split(" ", 1)[0] ?? "")))
    found = { seed, problems: problems.slice(0, 20) };
}
await database.close();
console.log(JSON.stringify(found));
