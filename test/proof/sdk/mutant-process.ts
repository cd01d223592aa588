/**
 * Searches for mutants of the client: for each name that it reads from its input, runs worlds until one of them fails, and prints which and why, as a
 * line of JSON, with what the same world says without the mutant. The world that found it last comes first, then others.
 *
 *   echo "a row goes when it is sent" | bun test/proof/sdk/mutant-process.ts [SEEDS]
 */
import { join } from "node:path";
import { plant } from "../../plants/index.ts";
import { createReloader } from "../../support/reload-altered.ts";
import { openDatabase } from "../sim/database.ts";
import { mutants } from "./mutants.ts";
import { drawSdkPlan } from "./run-world.ts";

export type Found = {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly without: readonly string[];
};

const seeds = Number(process.argv[2] ?? 1_000);
const sizeMax = 40;
const reloader = createReloader({
  entries: [join(import.meta.dir, "run-world.ts")],
  files: [...new Set(mutants.flatMap(({ name }) => plant(name)).map(({ file }) => file))],
});
const database = await openDatabase();

async function problemsOf(planted: ReturnType<typeof plant>, seed: number): Promise<readonly string[]> {
  reloader.loadWith(planted);
  // Imported only now, so that the modules are altered.
  const { runSdkWorld } = await import("./run-world.ts");
  return (await runSdkWorld(drawSdkPlan(seed), database)).problems;
}

/** Other worlds, without the large ones. */
const others = (): readonly number[] =>
  Array.from({ length: seeds }, (_, i) => i + 1).filter((seed) => drawSdkPlan(seed).operations.length <= sizeMax);

async function search(name: string): Promise<Found | null> {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`There is no mutant "${name}"`);
  const rules = new Set(mutant.rule.split(" "));
  const finds = (problems: readonly string[]): boolean =>
    problems.some((problem) => rules.has(problem.split(" ", 1)[0] ?? ""));
  function* candidates(): Generator<number> {
    yield mutant?.seed ?? 0;
    yield* others();
  }
  for (const seed of candidates()) {
    const problems = await problemsOf(plant(mutant.name), seed);
    if (!finds(problems)) continue;
    const without = await problemsOf([], seed);
    if (without.length === 0) return { seed, problems: problems.slice(0, 20), without };
  }
  return null;
}

for await (const name of console) if (name !== "") console.log(JSON.stringify(await search(name)));
await database.close();
