/**
 * Runs the tests, and first installs what they need.
 *
 *   bun run test                     everything, files beside each other
 *   bun run test --update-timings    the same, and writes into test/timings.json how long each file took
 *   bun run test test/hub            files with this in their path; any argument goes to `bun test`
 *
 * Its last line is `N passed, N failed`, as the runners counted. Its exit code is theirs; a run without any test failed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Counts, formatCounts, readClosingLines } from "./closing-lines.ts";
import { memoryFolder } from "./memory-folder.ts";
import { provide } from "./prerequisites.ts";
import { setup } from "./setup.ts";

const root = join(import.meta.dir, "..");

/** Tests that compare times need a machine of their own: they run first, with nothing beside them. */
const aloneFiles = ["test/adapter/flood.test.ts", "test/proof/load/pace.test.ts"];

/** Files that run at the same time for each core: a test waits more than half of its time, for a server, a timer or a disk. */
const filesPerCore = 3;

/** Tests of one file that mostly wait, each for a process of its own (`test.concurrent`), run at most this many at a time. */
const concurrentMax = 4;

/** How long each file took. The slowest start first; nothing else depends on it. */
const timings = ["--timings", "test/timings.json"];

/** The tests write here; it is in memory where the machine allows it. */
const folder = memoryFolder() ?? mkdtempSync(join(tmpdir(), "tidings-tests-"));

type Ran = Counts & { readonly exitCode: number };

/** The runner that runs now. A signal that ends this process ends it too. */
let runner: Bun.Subprocess | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => runner?.kill(signal));

/** One runner over some of the tests. `missing` names the programs that are not installed. */
async function run(args: readonly string[], missing: string): Promise<Ran> {
  const child = Bun.spawn([process.execPath, "test", "--max-concurrency", String(concurrentMax), ...args], {
    cwd: root,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
    env: {
      ...process.env,
      ...(process.stderr.isTTY ? { FORCE_COLOR: "1" } : {}),
      TIDINGS_MISSING: missing,
      TMPDIR: folder,
      TIDINGS_RUN_FOLDER: folder,
    },
  });
  runner = child;

  const decoder = new TextDecoder();
  let output = "";
  for await (const bytes of child.stderr) {
    process.stderr.write(bytes);
    output += decoder.decode(bytes, { stream: true });
  }
  const exitCode = await child.exited;
  const counts = readClosingLines(output);
  if (counts !== null) return { ...counts, exitCode: exitCode || (counts.failed > 0 ? 1 : 0) };
  console.error(`The test runner did not print its counts: ${args.join(" ")}`);
  return { passed: 0, failed: 1, skipped: 0, exitCode: exitCode || 1 };
}

async function runAll(more: readonly string[], missing: string): Promise<readonly Ran[]> {
  const alone = await run(
    aloneFiles.map((file) => `./${file}`),
    missing,
  );
  if (alone.exitCode >= signalled) return [alone];
  const parallel = `--parallel=${filesPerCore * availableParallelism()}`;
  const others = aloneFiles.flatMap((file) => ["--path-ignore-patterns", file]);
  return [alone, await run([parallel, ...timings, ...others, ...more], missing)];
}

/** Exit codes from here on say that a signal ended the process. */
const signalled = 128;

async function main(): Promise<number> {
  if (!(await setup())) return 1;
  const missing = await provide();
  for (const { name } of missing) console.error(`${name} is missing: the tests that need it are skipped`);
  const names = missing.map(({ name }) => name).join(",");

  const asked = process.argv.slice(2);
  const isAll = asked.every((argument) => argument === "--update-timings");
  const ran = isAll ? await runAll(asked, names) : [await run(asked, names)];
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

try {
  process.exitCode = await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
