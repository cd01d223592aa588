/**
 * Runs the tests, and first installs what they need.
 *
 *   bun run test              what takes at most four minutes on two cores, in lanes beside each other
 *   bun run test:all          everything, as in CI
 *   bun run test test/hub     files with this in their path, long ones too; any argument goes to `bun test`
 *
 * Its last line is `N passed, N failed`, as the runners counted. Its exit code is theirs; a run without any test failed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Counts, formatCounts, readClosingLines, readFailures } from "./closing-lines.ts";
import { memoryFolder } from "./memory-folder.ts";
import { provide } from "./prerequisites.ts";
import { setup } from "./setup.ts";
import { type Job, testLanes } from "./test-lanes.ts";

const root = join(import.meta.dir, "..");
/** After this long without output it prints the files that are running: a longer silence looks like a hang. */
const silenceMs = 10_000;

type Ran = Counts & { readonly exitCode: number; readonly failures: readonly string[] };
type Options = { readonly missing: string; readonly isAlone: boolean };

/** Tests of one file that mostly wait, each for a process of its own (`test.concurrent`), run at most this many at a time. */
const concurrentMax = 4;

/** The tests write here; the files of one run share it. */
const folder = memoryFolder() ?? mkdtempSync(join(tmpdir(), "tidings-tests-"));

/** The runners that run now. A signal that ends this process ends them too. */
const runners = new Set<Bun.Subprocess>();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    isEnded = true;
    for (const runner of runners) runner.kill(signal);
  });
let isEnded = false;

/** One runner over some of the tests. Its output waits until it has ended, unless it runs alone, so that outputs do not mix. */
async function run(args: readonly string[], options: Options): Promise<Ran> {
  const runner = Bun.spawn([process.execPath, "test", "--max-concurrency", String(concurrentMax), ...args], {
    cwd: root,
    stdin: "ignore",
    stdout: options.isAlone ? "inherit" : "pipe",
    stderr: "pipe",
    env: {
      ...process.env,
      ...(process.stderr.isTTY ? { FORCE_COLOR: "1" } : {}),
      TIDINGS_MISSING: options.missing,
      TMPDIR: folder,
      TIDINGS_RUN_FOLDER: folder,
    },
  });
  runners.add(runner);

  const said = options.isAlone ? null : new Response(runner.stdout as ReadableStream).text();
  const decoder = new TextDecoder();
  let output = "";
  for await (const bytes of runner.stderr) {
    if (options.isAlone) process.stderr.write(bytes);
    output += decoder.decode(bytes, { stream: true });
  }
  const exitCode = await runner.exited;
  runners.delete(runner);
  if (said !== null) {
    await write(process.stdout, await said);
    await write(process.stderr, output);
  }
  const counts = readClosingLines(output);
  const failures = readFailures(output);
  if (counts !== null) return { ...counts, failures, exitCode: exitCode || (counts.failed > 0 ? 1 : 0) };
  const ended = `The test runner did not print its counts (exit code ${exitCode}): ${args.join(" ")}`;
  console.error(ended);
  return { passed: 0, failed: 1, skipped: 0, exitCode: exitCode || 1, failures: [...failures, ended] };
}

/** Resolves once all of it is written: the next text, on the other stream, must not come into the middle of it. */
const write = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((resolve) => void stream.write(text, () => resolve()));

/** Runs the tests, all or those that are not long, and shows the progress: one line for each job that has ended, and after a silence one with the jobs that are running. */
async function runLanes(missing: string, isWhole: boolean): Promise<readonly Ran[]> {
  const { alone, beside, lanes } = testLanes(root, { isWhole });
  const all = alone.length + beside.length;
  const start = performance.now();
  const ran: Ran[] = [];
  const underWay = new Map<Job, number>();
  let saidAt = start;

  const clock = (ms: number): string =>
    `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1_000) % 60).padStart(2, "0")}`;
  const nameOf = ([first = "", ...more]: Job): string => `${first}${more.length > 0 ? ` and ${more.length} more` : ""}`;
  const say = (text: string): void => {
    saidAt = performance.now();
    console.error(`[${ran.length}/${all} ${clock(saidAt - start)}] ${text}`);
  };
  const saying = setInterval(() => {
    const now = performance.now();
    if (now - saidAt < silenceMs) return;
    say(`running: ${[...underWay].map(([job, since]) => `${nameOf(job)} (${clock(now - since)})`).join(", ")}`);
  }, 1_000);

  async function runLane(queue: Job[], isAlone: boolean): Promise<void> {
    for (let job = queue.shift(); job !== undefined && !isEnded; job = queue.shift()) {
      underWay.set(job, performance.now());
      const counts = await run(
        job.map((file) => `./${file}`),
        { missing, isAlone },
      );
      underWay.delete(job);
      ran.push(counts);
      say(`${formatCounts(counts)}: ${nameOf(job)}`);
    }
  }

  await runLane([...alone], true);
  const queue = [...beside];
  await Promise.all(Array.from({ length: lanes }, () => runLane(queue, false)));
  clearInterval(saying);
  return ran;
}

async function main(): Promise<number> {
  if (!(await setup())) return 1;
  const missing = await provide();
  for (const { name, without = "the tests that need it are skipped" } of missing)
    console.error(`${name} is missing: ${without}`);
  const names = missing.map(({ name }) => name).join(",");

  const asked = process.argv.slice(2);
  const isWhole = asked[0] === "--all";
  const isNamed = asked.length > 0 && !isWhole;
  const ran = isNamed ? [await run(asked, { missing: names, isAlone: true })] : await runLanes(names, isWhole);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of ran) {
    counts.passed += passed;
    counts.failed += failed;
    counts.skipped += skipped;
  }
  const ranNone = counts.passed + counts.failed === 0;
  if (ranNone) console.error("No test ran");
  // Once more at the end: thousands of lines stand between here and the place of a failure.
  for (const { failures } of ran) for (const failure of failures) console.error(`FAILED ${failure}`);
  if (asked.length === 0) console.error("Long tests were left out: bun run test:all runs them too, as CI does");
  console.log(formatCounts(counts));
  return Math.max(...ran.map(({ exitCode }) => exitCode)) || (ranNone || isEnded ? 1 : 0);
}

try {
  process.exitCode = await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
