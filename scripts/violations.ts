import { join } from "node:path";

/** The folder of this repository. */
export const repositoryRoot = join(import.meta.dir, "..");

/** Prints each violation on a line; with any, this program exits with code 1. */
export function reportViolations(violations: readonly string[]): void {
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) process.exitCode = 1;
}
