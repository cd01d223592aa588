/**
 * The shape of the source: one state a function, few parameters, short functions, named contracts, one word for each thing, a test for each file with
 * logic. Each rule is a file of scripts/shape, and has the list of its exceptions.
 *
 *   bun scripts/check-shape.ts
 */
import { namedContracts } from "./shape/contract.ts";
import { glossary } from "./shape/glossary.ts";
import { shortFunctions } from "./shape/length.ts";
import { oneState } from "./shape/one-state.ts";
import { ownTestViolations, shownBy } from "./shape/own-test.ts";
import { fewParameters } from "./shape/parameters.ts";
import { violationsOf } from "./shape/rule.ts";
import { parseSource } from "./syntax.ts";
import { reportViolations, repositoryRoot } from "./violations.ts";

const rules = [oneState, fewParameters, shortFunctions, namedContracts, glossary];

if (import.meta.main) {
  const modules = await parseSource(repositoryRoot);
  const tests = new Set(new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: repositoryRoot }));
  reportViolations([
    ...rules.flatMap((rule) => violationsOf(rule, modules)),
    ...ownTestViolations(modules, { tests, shownBy }),
  ]);
}
