/**
 * Runs the tests, and first installs what they need.
 *
 *   bun run test              everything, in lanes beside each other
 *   bun run test test/hub     what has this in its path; any argument goes to `bun test`
 *
 * Closes with `N passed, N failed` as the runners counted it. Its exit code is theirs; a run without any test failed.
 */
import { join } from "node:path";
import { type Counts, formatCounts, readClosingLines } from "./closing-lines.ts";
import { provide } from "./prerequisites.ts";
import { setup } from "./setup.ts";
import { testLanes } from "./test-lanes.ts";

const root = join(import.meta.dir, "..");
/** For a test that names no time of its own. A flag, because bunfig's `[test] timeout` is ignored. */
const testTimeoutMs = 60_000;

type Ran = Counts & { readonly exitCode: number };

/** One runner over some of the tests. Beside others its output waits until it has ended, so that theirs do not mix. */
async function run(args: readonly string[], options: { missing: string; isAlone: boolean }): Promise<Ran> {
  const runner = Bun.spawn([process.execPath, "test", "--timeout", String(testTimeoutMs), ...args], {
    cwd: root,
    stdin: "ignore",
    stdout: options.isAlone ? "inherit" : "pipe",
    stderr: "pipe",
    env: {
      ...process.env,
      ...(process.stderr.isTTY ? { FORCE_COLOR: "1" } : {}),
      TIDINGS_MISSING: options.missing,
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => runner.kill(signal));

  const said = options.isAlone ? null : new Response(runner.stdout as ReadableStream).text();
  const decoder = new TextDecoder();
  let output = "";
  for await (const bytes of runner.stderr) {
    if (options.isAlone) process.stderr.write(bytes);
    output += decoder.decode(bytes, { stream: true });
  }
  const exitCode = await runner.exited;
  if (said !== null) {
    await write(process.stdout, await said);
    await write(process.stderr, output);
  }
  const counts = readClosingLines(output);
  if (counts !== null) return { ...counts, exitCode: exitCode || (counts.failed > 0 ? 1 : 0) };
  console.error(`The test runner did not say what it counted: ${args.join(" ")}`);
  return { passed: 0, failed: 1, skipped: 0, exitCode: exitCode || 1 };
}

/** Resolves once all of it is on its way: what is said next, on the other stream, must not come into the middle of it. */
const write = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((resolve) => void stream.write(text, () => resolve()));

async function main(): Promise<number> {
  if (!(await setup())) return 1;
  const missing = await provide();
  for (const { name } of missing) console.error(`${name} is missing: the tests that need it are skipped`);
  const options = { missing: missing.map(({ name }) => name).join(","), isAlone: true };

  const asked = process.argv.slice(2);
  const ran: Ran[] = [];
  if (asked.length > 0) ran.push(await run(asked, options));
  else {
    const { alone, beside } = testLanes(root);
    ran.push(await run(alone, options));
    ran.push(...(await Promise.all(beside.map((lane) => run(lane, { ...options, isAlone: false })))));
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of ran) {
    counts.passed += passed;
    counts.failed += failed;
    counts.skipped += skipped;
  }
  const ranNone = counts.passed + counts.failed === 0;
  if (ranNone) console.error("No test ran");
  console.log(formatCounts(counts));
  return Math.max(...ran.map(({ exitCode }) => exitCode)) || (ranNone ? 1 : 0);
}

process.exitCode = await main();
