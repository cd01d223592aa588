/**
 * Runs the tests, and first installs what they need.
 *
 *   bun run test              everything
 *   bun run test test/hub     what has this in its path; any argument goes to `bun test`
 *
 * Closes with `N passed, N failed` as the runner counted it. Its exit code is the runner's; a run without any test failed.
 */
import { join } from "node:path";
import { formatCounts, readClosingLines } from "./closing-lines.ts";
import { provide } from "./prerequisites.ts";
import { setup } from "./setup.ts";

const root = join(import.meta.dir, "..");
/** For a test that names no time of its own. A flag, because bunfig's `[test] timeout` is ignored. */
const testTimeoutMs = 60_000;

async function main(): Promise<number> {
  if (!(await setup())) return 1;
  const missing = await provide();
  for (const { name } of missing) console.error(`${name} is missing: the tests that need it are skipped`);

  const runner = Bun.spawn([process.execPath, "test", "--timeout", String(testTimeoutMs), ...process.argv.slice(2)], {
    cwd: root,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
    env: {
      ...process.env,
      ...(process.stderr.isTTY ? { FORCE_COLOR: "1" } : {}),
      TIDINGS_MISSING: missing.map(({ name }) => name).join(","),
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => runner.kill(signal));

  const decoder = new TextDecoder();
  let output = "";
  for await (const bytes of runner.stderr) {
    process.stderr.write(bytes);
    output += decoder.decode(bytes, { stream: true });
  }
  const exitCode = await runner.exited;

  const counts = readClosingLines(output);
  if (counts === null) {
    console.error("The test runner did not say what it counted");
    console.log("0 passed, 1 failed");
    return exitCode || 1;
  }
  const ranNone = counts.passed + counts.failed === 0;
  if (ranNone) console.error("No test ran");
  console.log(formatCounts(counts));
  return exitCode || (ranNone || counts.failed > 0 ? 1 : 0);
}

process.exitCode = await main();
