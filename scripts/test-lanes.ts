import { availableParallelism } from "node:os";

/** Tests that measure time on a machine of their own; they come first, and nothing runs beside them. */
const aloneFiles = ["test/load/pace.test.ts"];

/** Lanes for each core: a test waits about half of its time, for a server, a timer or a disk. */
const lanesPerCore = 2;

/** Files that take long, in seconds. Any other file takes about one second. Only the order in which they run depends on it. */
const seconds: Readonly<Record<string, number>> = {
  "test/web/page.test.ts": 66,
  "test/sim/sim.test.ts": 46,
  "test/push/flood/flood.test.ts": 41,
  "test/isolation/isolation.test.ts": 35,
  "test/adapter/protocol/node.test.ts": 28,
  "test/adapter/protocol/hono-node.test.ts": 27,
  "test/adapter/protocol/hono-deno.test.ts": 27,
  "test/adapter/protocol/deno.test.ts": 26,
  "test/net/takeover.test.ts": 25,
  "test/protocol/protocol.test.ts": 25,
  "test/net/net.test.ts": 24,
  "test/protocol/remote.test.ts": 23,
  "test/package/package.test.ts": 22,
  "test/package/installed.test.ts": 21,
  "test/adapter/protocol/hono-bun.test.ts": 20,
  "test/soak/soak.test.ts": 19,
  "test/mutant/mutants.test.ts": 30,
  "test/feed/nats-process.test.ts": 18,
  "test/package/server-on-node.test.ts": 15,
  "test/nginx/nginx.test.ts": 15,
  "test/security/security.test.ts": 13,
  "test/store/engine.test.ts": 13,
  "test/adapter/deno.test.ts": 12,
  "test/feed/nats.test.ts": 12,
  "test/store/store.test.ts": 10,
  "test/databases.test.ts": 9,
  "test/http/history.test.ts": 9,
  "test/fuzz/in-process.test.ts": 8,
  "test/kill/kill.test.ts": 8,
  "test/push/service-worker.test.ts": 8,
  "test/protocol/resume.test.ts": 7,
  "test/push/standalone.test.ts": 7,
  "test/fuzz/siege/siege.test.ts": 6,
  "test/web/site.test.ts": 6,
  "test/adapter/flood.test.ts": 6,
  "test/fault/fstore.test.ts": 6,
  "test/store/migration/migrate.test.ts": 5,
  "test/fuzz/resume.test.ts": 4,
  "test/power/power.test.ts": 4,
  "test/hub/block-control.test.ts": 4,
  "test/http/api.test.ts": 4,
  "test/net/foreign.test.ts": 3,
  "test/security/idor.test.ts": 3,
  "test/fault/remote.test.ts": 3,
  "test/hub/hub.test.ts": 3,
  "test/docs/snippets.test.ts": 3,
  "test/fault/disk.test.ts": 3,
};

/** Short files share a runner, up to this many seconds: to start a runner takes a quarter of a second. */
const jobSeconds = 8;

/** Files that one runner runs. */
export type Job = readonly string[];

const secondsOf = (file: string): number => seconds[file] ?? 1;

/** How all tests are run: first some alone, then the others, the longest first, in lanes beside each other. */
export function testLanes(root: string): {
  readonly alone: readonly Job[];
  readonly beside: readonly Job[];
  readonly lanes: number;
} {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: root })].sort();
  const isAlone = (file: string): boolean => aloneFiles.includes(file);
  const jobs: { seconds: number; files: string[] }[] = [];
  for (const file of files.filter((one) => !isAlone(one)).toSorted((a, b) => secondsOf(b) - secondsOf(a))) {
    const last = jobs.at(-1);
    if (last !== undefined && last.seconds + secondsOf(file) <= jobSeconds) {
      last.files.push(file);
      last.seconds += secondsOf(file);
    } else jobs.push({ seconds: secondsOf(file), files: [file] });
  }
  return {
    alone: files.filter(isAlone).map((file) => [file]),
    beside: jobs.map((job) => job.files),
    lanes: lanesPerCore * availableParallelism(),
  };
}
