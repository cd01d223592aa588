/** Looks for every mutant of a tenant's comparisons, and keeps which script showed it: `bun test/isolation/learn.ts`. Takes minutes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { goneIn, sourceMutants, sqlMutants } from "./mutant.ts";
import { findBySource, findBySql, nameOfSource, nameOfSql } from "./mutate.ts";

const scriptsMax = 80;
const found: Record<string, number> = {};

function keep(name: string, violation: string | null): void {
  const script = Number(/script (\d+)/.exec(violation ?? "")?.[1]);
  if (script > 1) found[name] = script;
  console.log(`${name}: ${violation === null ? "not found" : `script ${script}`}`);
}

for (const mutant of sqlMutants.filter(({ harmless }) => harmless === undefined)) {
  const gone = goneIn(mutant);
  keep(nameOfSql(gone), await findBySql(gone, scriptsMax));
}
for (const mutant of sourceMutants) keep(nameOfSource(mutant), await findBySource(mutant, scriptsMax));
writeFileSync(join(import.meta.dir, "first-scripts.json"), `${JSON.stringify(found, null, 2)}\n`);
