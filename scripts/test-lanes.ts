import { availableParallelism } from "node:os";
import timingsJson from "../test/timings.json";

/** Tests that compare times need a machine of their own: they come first, and nothing runs beside them. */
const aloneFiles = ["test/adapter/flood.test.ts", "test/proof/load/pace.test.ts"];

/**
 * Tests that take long for what a change usually touches: proofs over real processes, the controls that look for a planted fault in many worlds, the page in a
 * browser beyond its main ways, the package as it is installed, and Hono over each runtime. `bun run test:all` and CI run them too.
 */
export const longTests = [
  "test/adapter/deno.test.ts",
  "test/adapter/protocol/hono-*",
  "test/browsers/**",
  "test/client/vault/indexed-db.test.ts",
  "test/package/**",
  "test/proof/{fault,flood,fuzz/siege,isolation,kill,load,mutant,net,nginx,power,security,soak,upgrade}/**",
  "test/proof/{sdk,sim}/mutants.test.ts",
  "test/push/service-worker.test.ts",
  "test/web/{composer,element*,surroundings,thread}.test.ts",
].map((pattern) => new Bun.Glob(pattern));

/** Whether a test is only run where all are. */
export const isLong = (file: string): boolean => longTests.some((glob) => glob.match(file));

/** Lanes for each core: a test waits more than half of its time, for a server, a timer or a disk. */
const lanesPerCore = 2;

/** How long each file took, in milliseconds. Only the order in which files run depends on it. */
const timings = timingsJson.files as Readonly<Record<string, number>>;

/**
 * Short files share a runner, up to this many seconds: to start a runner takes a quarter of a second. The last jobs are shorter, so that no lane
 * runs alone at the end for long.
 */
const jobSeconds = { most: 14, last: 4 };

/** Files that one runner runs. */
export type Job = readonly string[];

/** A new file counts as a second. */
const secondsOf = (file: string): number => (timings[file] ?? 1_000) / 1_000;

/**
 * How tests are run, all of them or those that are not long: first some alone, then the others, the longest first, in lanes beside each other. `bun test --parallel` would do the same, but
 * keeps its processes for many files, and one that crashes in native code (Bun 1.4.5, a database in a global object that has ended) ends all.
 */
export function testLanes(
  root: string,
  { isWhole }: { readonly isWhole: boolean },
): {
  readonly alone: readonly Job[];
  readonly beside: readonly Job[];
  readonly lanes: number;
} {
  const all = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: root })].sort();
  const files = isWhole ? all : all.filter((file) => !isLong(file));
  const isAlone = (file: string): boolean => aloneFiles.includes(file);
  const lanes = Math.ceil(lanesPerCore * availableParallelism());
  const beside = files.filter((one) => !isAlone(one)).toSorted((a, b) => secondsOf(b) - secondsOf(a));
  const jobs: { seconds: number; files: string[] }[] = [];
  let left = beside.reduce((sum, file) => sum + secondsOf(file), 0);
  for (const file of beside) {
    const last = jobs.at(-1);
    const secondsMax = Math.min(jobSeconds.most, Math.max(jobSeconds.last, left / lanes / 2));
    left -= secondsOf(file);
    if (last !== undefined && last.seconds + secondsOf(file) <= secondsMax) {
      last.files.push(file);
      last.seconds += secondsOf(file);
    } else jobs.push({ seconds: secondsOf(file), files: [file] });
  }
  return { alone: files.filter(isAlone).map((file) => [file]), beside: jobs.map((job) => job.files), lanes };
}
