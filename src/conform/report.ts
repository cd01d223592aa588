import type { Result } from "./case.ts";

/** The results for people: a line for each case, the reason below a case that failed, and the sum. */
export function formatReport(results: readonly Result[]): string {
  const lines = results.flatMap(({ id, outcome, title, detail, section }) => {
    const head = `${words[outcome]}  ${id}  ${title} (PROTOCOL.md, section ${section})`;
    return detail === undefined ? [head] : [head, `             ${detail}`];
  });
  const { passed, failed, skipped } = countResults(results);
  return [...lines, "", `${passed} passed, ${failed} failed, ${skipped} skipped`].join("\n");
}

const words: Readonly<Record<Result["outcome"], string>> = { passed: "ok  ", failed: "FAIL", skipped: "skip" };

/** How many cases ended in each way. */
export function countResults(results: readonly Result[]): Readonly<Record<Result["outcome"], number>> {
  const count = (outcome: Result["outcome"]): number => results.filter((one) => one.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** The results for programs. */
export const reportAsJson = (results: readonly Result[]): string =>
  JSON.stringify({ ...countResults(results), results }, null, 2);
