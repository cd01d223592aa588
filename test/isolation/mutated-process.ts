/** Looks for one of the source mutants: `bun mutated-process.ts INDEX [learn]` prints where it showed first, as JSON. */
import { alterSource } from "../support/alter-source.ts";
import { editsOf, sourceMutants } from "./mutant.ts";

const [, , index, learn] = process.argv;
const mutant = sourceMutants[Number(index)];
if (mutant === undefined) throw new Error("There is no such mutant");
alterSource(editsOf(mutant).map(({ find, replace }) => ({ file: mutant.file, from: find, to: replace })));

// Only now, so that what it imports is altered.
const { firstOf, knownSights, nameOfSource, shortSights } = await import("./mutate.ts");
console.log(JSON.stringify(await firstOf(learn === "learn" ? shortSights() : knownSights(nameOfSource(mutant)))));
