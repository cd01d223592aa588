/** Tries scripts on a Tidings with one of the source mutants: `bun mutated-process.ts INDEX SCRIPTS` prints the first violation. */
import { alterSource } from "../support/alter-source.ts";
import { editsOf, sourceMutants } from "./mutant.ts";

const mutant = sourceMutants[Number(process.argv[2])];
if (mutant === undefined) throw new Error("There is no such mutant");
alterSource(editsOf(mutant).map(({ find, replace }) => ({ file: mutant.file, from: find, to: replace })));

const { compareTenants, kinds } = await import("./tenants.ts");
const { nameOfSource, scriptsFor } = await import("./mutate.ts");
let found: string | null = null;
for (const seed of scriptsFor(nameOfSource(mutant), Number(process.argv[3])))
  for (const kind of kinds) found ??= (await compareTenants(seed, kind))[0] ?? null;
console.log(JSON.stringify(found));
