/**
 * The shape of the source: one state a function, few parameters, short functions, named contracts, one word for each thing. Each rule is a file of
 * scripts/shape, and has the list of its exceptions.
 *
 *   bun scripts/check-shape.ts [folder]     the folder that holds src; default: this repository
 */
import { join, resolve } from "node:path";
import { namedContracts } from "./shape/contract.ts";
import { glossary } from "./shape/glossary.ts";
import { shortFunctions } from "./shape/length.ts";
import { oneState } from "./shape/one-state.ts";
import { fewParameters } from "./shape/parameters.ts";
import { violationsOf } from "./shape/rule.ts";
import { parseSource } from "./syntax.ts";

const rules = [oneState, fewParameters, shortFunctions, namedContracts, glossary];

if (import.meta.main) {
  const root = resolve(process.argv[2] ?? join(import.meta.dir, ".."));
  const modules = [...(await parseSource(root))].map(([file, tree]) => ({ file, tree }));
  const violations = rules.flatMap((rule) => violationsOf(rule, modules));
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) process.exitCode = 1;
}
