/**
 * May this be submitted? Every step runs and is reported, also after one has failed; the tests run only when all others have passed.
 *
 *   bun run check            everything
 *   bun run check --fast     without the tests
 */
import { join } from "node:path";
import { setup } from "./setup.ts";

const root = join(import.meta.dir, "..");

type Step = { readonly name: string; readonly args: readonly string[] };

const tsc = "node_modules/typescript/bin/tsc";

const staticSteps: readonly Step[] = [
  // The package's own script is called fmt too; --no-script means the formatter.
  { name: "format", args: ["fmt", "--no-script", "--check"] },
  { name: "lint", args: ["node_modules/oxlint/bin/oxlint", "--deny-warnings"] },
  { name: "types", args: [tsc, "-p", "tsconfig.json"] },
  { name: "types of the examples", args: [tsc, "-p", "docs/tsconfig.json"] },
  { name: "types of the core", args: [tsc, "-p", "tsconfig.core.json"] },
  { name: "types of the web page", args: [tsc, "-p", "tsconfig.web.json"] },
  { name: "types of the comments' examples", args: ["scripts/check-examples.ts"] },
  { name: "imports point one way", args: ["scripts/check-imports.ts"] },
  { name: "exports resolve", args: ["scripts/check-exports.ts"] },
  { name: "descriptions are fresh", args: ["scripts/describe.ts", "--check"] },
  { name: "spec rules are cited", args: ["scripts/check-spec.ts"] },
  { name: "planted faults fit the source", args: ["scripts/check-plants.ts"] },
  { name: "bundled migrations are fresh", args: ["scripts/bundle-migrations.ts", "--check"] },
  { name: "the source has the shape of the house", args: ["scripts/check-shape.ts"] },
  { name: "comments, test names and pages are plain English", args: ["scripts/check-prose.ts"] },
];
const tests: Step = { name: "tests", args: ["scripts/test.ts"] };

async function pass({ name, args }: Step): Promise<boolean> {
  const start = performance.now();
  const child = Bun.spawn([process.execPath, ...args], { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${exitCode === 0 ? "ok  " : "FAIL"} ${seconds.padStart(5)} s  ${name}`);
  if (exitCode !== 0)
    console.log(
      [stdout, stderr]
        .map((text) => text.trimEnd())
        .filter(Boolean)
        .join("\n"),
    );
  return exitCode === 0;
}

/** Runs the tests, which print their progress themselves. */
async function passTests(): Promise<boolean> {
  const start = performance.now();
  const child = Bun.spawn([process.execPath, ...tests.args], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  const exitCode = await child.exited;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${exitCode === 0 ? "ok  " : "FAIL"} ${seconds.padStart(5)} s  ${tests.name}`);
  return exitCode === 0;
}

async function main(): Promise<boolean> {
  if (!(await setup())) return false;
  const failed: string[] = [];
  // Two at a time: each step starts with a part that uses one core.
  const steps = staticSteps.values();
  const runSteps = async (): Promise<void> => {
    for (const step of steps) if (!(await pass(step))) failed.push(step.name);
  };
  await Promise.all([runSteps(), runSteps()]);
  if (failed.length === 0 && !process.argv.includes("--fast") && !(await passTests())) failed.push(tests.name);
  if (failed.length > 0) console.error(`Failed: ${failed.join(", ")}`);
  return failed.length === 0;
}

if (!(await main())) process.exitCode = 1;
