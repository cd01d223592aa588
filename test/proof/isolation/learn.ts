/**
 * Searches for the mutants of a tenant's comparisons that no longer show where they showed last, and saves where each shows:
 * `bun test/proof/isolation/learn.ts`. With `--anew` it searches for all of them, from the shortest scripts on, which takes long.
 * With `--fewer` it searches, for each mutant with a script of its own, the scripts of others: the test runs each script once more without a mutant.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { goneIn, sourceMutants, sqlMutants } from "./mutant.ts";
import { findBySource, findBySql, firstSights, type Found, nameOfSql, type Search, type Sight } from "./mutate.ts";

/** With `--fewer`: a mutant that none of this many scripts shows keeps its own. */
const othersMax = 24;
/** A script that is longer than this costs more with the mutant than the mutant's own costs with it and without. */
const stepsRatioMax = 2;

type Mutant = { readonly name: string; readonly find: (search: Search) => Promise<Found | null> };

const mutants: readonly Mutant[] = [
  ...sqlMutants
    .filter(({ harmless, foundBy }) => (harmless ?? foundBy) === undefined)
    .map(goneIn)
    .map((gone): Mutant => ({ name: nameOfSql(gone), find: (search) => findBySql(gone, { search }) })),
  ...sourceMutants.map((name): Mutant => ({ name, find: (search) => findBySource(name, { search }) })),
];
const sights: Record<string, Sight> = {};

function keep(name: string, found: Found | null): void {
  if (found === null) console.log(`${name}: not found`);
  else {
    const { violation: _, ...sight } = found;
    sights[name] = sight;
    console.log(`${name}: script ${sight.script} of ${sight.kind}, ${sight.steps} steps`);
  }
}

async function findAll(search: Search): Promise<void> {
  for (const { name, find } of mutants) keep(name, await find(search));
}

/** The sights of the other mutants, those of most mutants first. */
function sightsOfOthers(name: string): readonly Sight[] {
  const users = new Map<string, number>();
  for (const [other, sight] of Object.entries(sights)) {
    const key = JSON.stringify(sight);
    if (other !== name) users.set(key, (users.get(key) ?? 0) + 1);
  }
  return [...users].toSorted(([, a], [, b]) => b - a).map(([key]) => JSON.parse(key) as Sight);
}

async function shareSights(): Promise<void> {
  Object.assign(sights, firstSights);
  for (const { name, find } of mutants) {
    const others = sightsOfOthers(name);
    const own = sights[name];
    if (own === undefined || others.some((one) => JSON.stringify(one) === JSON.stringify(own))) continue;
    const cheap = others.filter(({ steps }) => steps <= stepsRatioMax * own.steps);
    const found = await find(cheap.slice(0, othersMax));
    if (found !== null) keep(name, found);
  }
}

if (process.argv.includes("--fewer")) await shareSights();
else await findAll(process.argv.includes("--anew") ? "shortest" : "last, then shortest");
const lines = Object.entries(sights).map(([name, sight]) => `  ${JSON.stringify(name)}: ${JSON.stringify(sight)}`);
writeFileSync(join(import.meta.dir, "first-sights.json"), `{\n${lines.join(",\n")}\n}\n`);
