/**
 * Searches for the mutants of a tenant's comparisons that no longer show where they showed last, and saves where each shows:
 * `bun test/proof/isolation/learn.ts`. With `--anew` it searches for all of them, from the shortest scripts on, which takes long.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { goneIn, sourceMutants, sqlMutants } from "./mutant.ts";
import { findBySource, findBySql, type Found, nameOfSql, type Sight } from "./mutate.ts";

const search = process.argv.includes("--anew") ? "shortest" : "last, then shortest";
const sights: Record<string, Sight> = {};

function keep(name: string, found: Found | null): void {
  if (found === null) console.log(`${name}: not found`);
  else {
    const { violation: _, ...sight } = found;
    sights[name] = sight;
    console.log(`${name}: script ${sight.script} of ${sight.kind}, ${sight.steps} steps`);
  }
}

for (const mutant of sqlMutants.filter(({ harmless }) => harmless === undefined)) {
  const gone = goneIn(mutant);
  keep(nameOfSql(gone), await findBySql(gone, { search }));
}
for (const mutant of sourceMutants) keep(mutant, await findBySource(mutant, { search }));
const lines = Object.entries(sights).map(([name, sight]) => `  ${JSON.stringify(name)}: ${JSON.stringify(sight)}`);
writeFileSync(join(import.meta.dir, "first-sights.json"), `{\n${lines.join(",\n")}\n}\n`);
