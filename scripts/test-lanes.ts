/** Tests that measure time on a machine of their own; they come first, and nothing runs beside them. */
const aloneFolders = ["test/load/"];

/** Where most of the time is spent, in seconds; any other file takes about one. Only how well the lanes are balanced depends on it. */
const seconds: Readonly<Record<string, number>> = {
  "test/isolation/isolation.test.ts": 75,
  "test/web/page.test.ts": 59,
  "test/sim/sim.test.ts": 53,
  "test/push/flood/flood.test.ts": 48,
  "test/adapter/protocol/hono-deno.test.ts": 32,
  "test/adapter/protocol/hono-node.test.ts": 32,
  "test/adapter/protocol/node.test.ts": 30,
  "test/adapter/protocol/deno.test.ts": 30,
  "test/adapter/protocol/hono-bun.test.ts": 26,
  "test/net/net.test.ts": 25,
  "test/net/takeover.test.ts": 24,
  "test/protocol/protocol.test.ts": 24,
  "test/protocol/remote.test.ts": 24,
  "test/databases.test.ts": 24,
  "test/mutant/mutants.test.ts": 30,
  "test/push/race.test.ts": 23,
  "test/soak/soak.test.ts": 20,
  "test/push/delivery.test.ts": 20,
  "test/feed/nats-process.test.ts": 18,
  "test/push/fcm.test.ts": 17,
  "test/package/package.test.ts": 16,
  "test/fault/fstore.test.ts": 14,
  "test/feed/nats.test.ts": 14,
  "test/push/worker.test.ts": 13,
  "test/package/server-on-node.test.ts": 13,
  "test/adapter/deno.test.ts": 13,
  "test/nginx/nginx.test.ts": 13,
  "test/kill/kill.test.ts": 12,
  "test/http/history.test.ts": 12,
  "test/security/security.test.ts": 11,
  "test/store/engine.test.ts": 11,
  "test/protocol/resume.test.ts": 10,
  "test/fuzz/in-process.test.ts": 10,
  "test/push/web-contract.test.ts": 10,
  "test/push/onesignal.test.ts": 9,
  "test/package/installed.test.ts": 8,
  "test/fuzz/resume.test.ts": 7,
  "test/push/service-worker.test.ts": 7,
  "test/power/power.test.ts": 7,
  "test/store/store.test.ts": 7,
  "test/web/site.test.ts": 6,
  "test/fuzz/siege/siege.test.ts": 6,
  "test/store/migration/script.test.ts": 6,
  "test/push/standalone.test.ts": 6,
};

/** One more than a small machine has cores: most tests wait for a server, a clock or a browser. */
const lanes = 3;

/** How all tests are run: some alone, then the others in lanes of about the same length beside each other. */
export function testLanes(root: string): {
  readonly alone: readonly string[];
  readonly beside: readonly (readonly string[])[];
} {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: root })].sort();
  const isAlone = (file: string): boolean => aloneFolders.some((folder) => file.startsWith(folder));
  const filled = Array.from({ length: lanes }, () => ({ seconds: 0, files: [] as string[] }));
  const others = files.filter((file) => !isAlone(file)).toSorted((a, b) => (seconds[b] ?? 1) - (seconds[a] ?? 1));
  for (const file of others) {
    const [shortest] = filled.toSorted((a, b) => a.seconds - b.seconds);
    shortest?.files.push(`./${file}`);
    if (shortest) shortest.seconds += seconds[file] ?? 1;
  }
  return { alone: files.filter(isAlone).map((file) => `./${file}`), beside: filled.map((lane) => lane.files) };
}
