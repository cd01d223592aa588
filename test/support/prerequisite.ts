import { describe, test } from "bun:test";
import { browserPrerequisites, pathOf, prerequisites } from "../../scripts/prerequisites.ts";

/** The program's path; for use inside `describeWith`. */
export function programPath(name: string): string {
  const path = findProgram(name);
  if (path === null) throw new Error(`${name} is not on PATH`);
  return path;
}

/**
 * A group of tests that need a program from outside, one of scripts/prerequisites.ts. Where it is missing they are
 * skipped for a visitor, and the name of the group says so; with CI=true that is a failure.
 *
 * @example
 * describeWith("chromium", "the chat page", () => { … programPath("chromium") … })
 */
export function describeWith(name: string, title: string, tests: () => void): void {
  describeWhere(findProgram(name) !== null, name, title, tests);
}

/** The same for anything else that a machine may or may not have; `needed` is its name. */
export function describeWhere(isThere: boolean, needed: string, title: string, tests: () => void): void {
  if (isThere) {
    describe(title, tests);
  } else if (process.env["CI"] === "true") {
    test(`${title} (needs ${needed})`, () => {
      throw new Error(`${needed} is missing, and CI must not skip what needs it`);
    });
  } else {
    describe.skip(`${title} (skipped: ${needed} is missing)`, tests);
  }
}

/** The program's path; null where the machine does not have it. */
export function findProgram(name: string): string | null {
  const prerequisite = [...prerequisites, ...browserPrerequisites].find((one) => one.name === name);
  if (prerequisite === undefined) throw new Error(`${name} is not in scripts/prerequisites.ts`);
  const isReportedMissing = (process.env["TIDINGS_MISSING"] ?? "").split(",").includes(name);
  return isReportedMissing ? null : pathOf(prerequisite);
}
