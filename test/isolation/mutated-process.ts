/** Tries scripts on a Tidings with one of the source mutants: `bun mutated-process.ts INDEX SCRIPTS` prints the first violation. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plugin } from "bun";
import { sourceMutants } from "./mutant.ts";

const mutant = sourceMutants[Number(process.argv[2])];
if (mutant === undefined) throw new Error("There is no such mutant");
const path = join(import.meta.dir, "../../src", mutant.file);
const contents = mutant.edits.reduce(
  (text, { find, replace }) => {
    if (text.split(find).length !== 2) throw new Error(`${mutant.file} has not exactly one ${find}`);
    return text.replace(find, () => replace);
  },
  readFileSync(path, "utf8"),
);

plugin({
  name: "mutant",
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, (args) => ({
      contents: args.path === path ? contents : readFileSync(args.path, "utf8"),
      loader: "ts",
    }));
  },
});

const { compareTenants } = await import("./tenants.ts");
let found: string | null = null;
for (let seed = 1; found === null && seed <= Number(process.argv[3]); seed++)
  found = (await compareTenants(seed))[0] ?? null;
console.log(JSON.stringify(found));
