/** What `bun test` counted. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/**
 * Reads the closing lines of `bun test`: one count a line, then "Ran 4 tests across 2 files.". Null when they are not
 * there, which is a failure of the run, whatever its exit code. Anything that a test printed before does not count.
 */
export function readClosingLines(output: string): Counts | null {
  const lines = Bun.stripANSI(output).split(/\r?\n/);
  const end = lines.findLastIndex((line) => /^Ran \d+ tests? across \d+ files?\./.test(line));
  const counts = new Map<string, number>();
  for (let at = end - 1; at >= 0; at--) {
    const [, count, what] = /^ *(\d+) (.+)$/.exec(lines[at] ?? "") ?? [];
    if (count === undefined || what === undefined) break;
    counts.set(what, Number(count));
  }
  const [passed, failed] = [counts.get("pass"), counts.get("fail")];
  if (passed === undefined || failed === undefined) return null;
  // An error outside of any test fails the run too, so it must not read "0 failed".
  const errors = (counts.get("error") ?? 0) + (counts.get("errors") ?? 0);
  return { passed, failed: failed + errors, skipped: (counts.get("skip") ?? 0) + (counts.get("todo") ?? 0) };
}

/** The line that people and CI read. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

const fileForm = /^(test\/\S+\.ts):$/;

/** The failed tests, and the errors outside of any, by the names that `bun test` gave them; the files that it names stand in front. */
export function readFailures(output: string): readonly string[] {
  let file = "";
  const failures: string[] = [];
  const lines = Bun.stripANSI(output).split(/\r?\n/);
  // After many tests the runner repeats those that failed, all of them below the last file.
  const last = lines.findLastIndex((line) => fileForm.test(line));
  const repeats = lines.findIndex((line, at) => at > last && /^\d+ tests? failed:$/.test(line));
  for (const line of repeats < 0 ? lines : lines.slice(0, repeats)) {
    file = fileForm.exec(line)?.[1] ?? file;
    const [, name] = /^\(fail\) (.+?)(?: \[[\d.]+m?s\])?$/.exec(line) ?? [];
    if (name !== undefined) failures.push(`${file}: ${name}`);
    else if (line.startsWith("# Unhandled error")) failures.push(`${file}: an error outside of any test`);
  }
  return failures;
}
