import { availableParallelism } from "node:os";

/** Tests that compare times need a machine of their own; they come first, and nothing runs beside them. */
const aloneFiles = ["test/adapter/flood.test.ts", "test/load/pace.test.ts"];

/** Lanes for each core: a test waits about half of its time, for a server, a timer or a disk. */
const lanesPerCore = 2;

/** Files that take long, in seconds. Any other file takes about one second. Only the order in which they run depends on it. */
const seconds: Readonly<Record<string, number>> = {
  "test/web/page.test.ts": 36,
  "test/hub/revocation-control.test.ts": 34,
  "test/database/history-control.test.ts": 32,
  "test/sim/mutants.test.ts": 32,
  "test/push/flood/flood.test.ts": 29,
  "test/isolation/isolation.test.ts": 25,
  "test/package/installed.test.ts": 24,
  "test/adapter/protocol/hono-deno.test.ts": 23,
  "test/protocol/protocol.test.ts": 22,
  "test/adapter/protocol/deno.test.ts": 21,
  "test/adapter/protocol/node.test.ts": 21,
  "test/package/package.test.ts": 21,
  "test/adapter/protocol/hono-node.test.ts": 20,
  "test/store/file-guard.test.ts": 19,
  "test/net/net.test.ts": 17,
  "test/package/server-on-node.test.ts": 17,
  "test/package/peers.test.ts": 17,
  "test/apps/apps.test.ts": 14,
  "test/adapter/keep-alive.test.ts": 16,
  "test/adapter/protocol/hono-bun.test.ts": 16,
  "test/protocol/remote.test.ts": 16,
  "test/soak/soak.test.ts": 16,
  "test/fuzz/in-process.test.ts": 15,
  "test/kill/kill.test.ts": 13,
  "test/sim/sim.test.ts": 13,
  "test/fuzz/siege/siege.test.ts": 11,
  "test/load/load.test.ts": 11,
  "test/mutant/mutants.test.ts": 11,
  "test/security/security.test.ts": 11,
  "test/store/store.test.ts": 11,
  "test/adapter/deno.test.ts": 10,
  "test/feed/nats-process.test.ts": 10,
  "test/databases.test.ts": 9,
  "test/hub/loops-control.test.ts": 9,
  "test/power/power.test.ts": 9,
  "test/store/engine.test.ts": 9,
  "test/web/site.test.ts": 9,
  "test/fault/fstore.test.ts": 8,
  "test/feed/nats.test.ts": 8,
  "test/net/takeover.test.ts": 8,
  "test/nginx/nginx.test.ts": 8,
  "test/push/standalone.test.ts": 7,
  "test/store/migration/script.test.ts": 7,
  "test/hub/level.test.ts": 6,
  "test/push/service-worker.test.ts": 6,
  "test/store/budget.test.ts": 6,
  "test/store/embedded.test.ts": 6,
  "test/store/restore.test.ts": 6,
  "test/http/openapi.test.ts": 5,
  "test/net/upgrade.test.ts": 5,
  "test/protocol/resume.test.ts": 5,
  "test/adapter/mount.test.ts": 4,
  "test/apps/hot.test.ts": 4,
  "test/fault/disk.test.ts": 4,
  "test/fault/remote.test.ts": 4,
  "test/fuzz/resume.test.ts": 4,
  "test/net/foreign.test.ts": 4,
  "test/push/delivery.test.ts": 4,
  "test/store/outage.test.ts": 4,
  "test/docs/snippets.test.ts": 3,
  "test/fault/damage.test.ts": 3,
  "test/feed/transport.test.ts": 3,
  "test/http/api.test.ts": 3,
  "test/http/history.test.ts": 3,
  "test/hub/block-control.test.ts": 3,
  "test/hub/hub.test.ts": 3,
  "test/protocol/frames-schema.test.ts": 3,
  "test/store/migration/kill.test.ts": 3,
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
