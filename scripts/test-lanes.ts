import { availableParallelism } from "node:os";

/** Tests that compare times need a machine of their own; they come first, and nothing runs beside them. */
const aloneFiles = ["test/adapter/flood.test.ts", "test/proof/load/pace.test.ts"];

/** Lanes for each core: a test waits about half of its time, for a server, a timer or a disk. */
const lanesPerCore = 2;

/** Files that take long, in seconds. Any other file takes about one second. Only the order in which they run depends on it. */
const seconds: Readonly<Record<string, number>> = {
  "test/package/server-on-node.test.ts": 70,
  "test/web/page.test.ts": 36,
  "test/proof/sim/mutants.test.ts": 35,
  "test/package/installed.test.ts": 26,
  "test/adapter/deno.test.ts": 21,
  "test/proof/flood/flood.test.ts": 20,
  "test/proof/isolation/isolation.test.ts": 18,
  "test/hub/loops-control.test.ts": 17,
  "test/adapter/protocol/node.test.ts": 16,
  "test/adapter/protocol/hono-node.test.ts": 15,
  "test/proof/load/load.test.ts": 15,
  "test/package/package.test.ts": 15,
  "test/adapter/keep-alive.test.ts": 16,
  "test/package/peers.test.ts": 17,
  "test/apps/apps.test.ts": 14,
  "test/proof/net/net.test.ts": 14,
  "test/store/file-guard.test.ts": 14,
  "test/adapter/protocol/deno.test.ts": 13,
  "test/proof/soak/soak.test.ts": 13,
  "test/proof/kill/kill.test.ts": 12,
  "test/protocol/remote.test.ts": 12,
  "test/store/restore.test.ts": 12,
  "test/adapter/protocol/hono-deno.test.ts": 11,
  "test/protocol/protocol.test.ts": 11,
  "test/proof/sim/sim.test.ts": 11,
  "test/tenant/databases.test.ts": 10,
  "test/proof/fault/fstore.test.ts": 10,
  "test/proof/power/power.test.ts": 10,
  "test/proof/security/security.test.ts": 10,
  "test/proof/fuzz/siege/siege.test.ts": 9,
  "test/protocol/resume.test.ts": 9,
  "test/store/engine.test.ts": 9,
  "test/store/store.test.ts": 9,
  "test/adapter/protocol/hono-bun.test.ts": 7,
  "test/tenant/history-control.test.ts": 7,
  "test/bus/nats.test.ts": 7,
  "test/proof/net/takeover.test.ts": 7,
  "test/store/budget.test.ts": 7,
  "test/proof/net/upgrade.test.ts": 6,
  "test/proof/nginx/nginx.test.ts": 6,
  "test/push/service-worker.test.ts": 6,
  "test/store/embedded.test.ts": 6,
  "test/store/migration/script.test.ts": 6,
  "test/docs/snippets.test.ts": 5,
  "test/bus/nats-process.test.ts": 5,
  "test/proof/fuzz/resume.test.ts": 5,
  "test/proof/history/history.test.ts": 5,
  "test/hub/block-control.test.ts": 5,
  "test/protocol/frames-schema.test.ts": 5,
  "test/adapter/mount.test.ts": 4,
  "test/proof/fault/remote.test.ts": 4,
  "test/proof/fuzz/in-process.test.ts": 4,
  "test/proof/mutant/mutants.test.ts": 4,
  "test/push/standalone.test.ts": 4,
  "test/store/migration/kill.test.ts": 4,
  "test/store/outage.test.ts": 4,
  "test/web/site.test.ts": 4,
  "test/proof/fault/damage.test.ts": 3,
  "test/proof/fault/disk.test.ts": 3,
  "test/http/api.test.ts": 3,
  "test/http/openapi.test.ts": 3,
  "test/hub/level.test.ts": 3,
  "test/hub/loops.test.ts": 3,
  "test/proof/net/foreign.test.ts": 3,
  "test/cli/cli.test.ts": 2,
  "test/tenant/history-change.test.ts": 2,
  "test/tenant/level.test.ts": 2,
  "test/bus/transport.test.ts": 2,
  "test/access/ticket.test.ts": 2,
  "test/hub/hub.test.ts": 2,
  "test/hub/presence.test.ts": 2,
  "test/hub/revocation-control.test.ts": 2,
  "test/hub/revocation.test.ts": 2,
  "test/standalone/log.test.ts": 2,
  "test/push/delivery.test.ts": 2,
  "test/push/fcm.test.ts": 2,
  "test/push/worker.test.ts": 2,
  "test/proof/security/idor.test.ts": 2,
  "test/standalone/server.test.ts": 2,
  "test/store/push-bounds.test.ts": 2,
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
