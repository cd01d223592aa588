/** Searches for one source mutant: `bun mutated-process.ts NAME [learn]` prints where it showed first, as JSON. */
import { plant } from "../../plants/index.ts";
import { alterSource } from "../../support/alter-source.ts";
import { sourceMutants } from "./mutant.ts";

const [, , name, learn] = process.argv;
const mutant = sourceMutants.find((one) => one === name);
if (mutant === undefined) throw new Error("There is no such mutant");
alterSource(plant(mutant));

// Imported only now, so that the modules are altered.
const { firstOf, knownSights, shortSights } = await import("./mutate.ts");
console.log(JSON.stringify(await firstOf(learn === "learn" ? shortSights() : knownSights(mutant))));
