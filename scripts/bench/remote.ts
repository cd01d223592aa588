import { type Sqld, startSqld } from "../../test/support/sqld.ts";
import type { BenchOptions, Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runChild } from "./child.ts";
import { openCrowd } from "./load/crowd.ts";
import type { RawRate, RawStoreAnswer, RawStoreInput } from "./load/raw-store.ts";
import { runPairs } from "./load/run-pairs.ts";
import { cpuSeconds } from "./process-usage.ts";
import { prepareDatabase } from "./remote-database.ts";
import { withScratch } from "./scratch.ts";
import { type ServerProcess, withServer } from "./server-process.ts";

const aloneSeconds = 3;
const comingBack = 4_000;
/** Many users who write now and then: each message has an ack of its own. */
const sparsely = { pairs: 2_000, window: 1 };

/** The best of these counts. */
const batchSizes = [50, 256, 1_024];

/** Durable sends end to end on a libSQL server of this machine, against raw batches of the same statements to the same server. */
export const remote: Benchmark = async (options) => {
  const { pairs, window, seconds, textBytes } = options;
  const rates = await rawBatches(options);
  const raw = rates.reduce((best, one) => (one.perSecond > best.perSecond ? one : best));
  const commit = fitCommit(rates);
  const sqld = await startSqld();
  try {
    await prepareDatabase(sqld.url);
    const { alone, seen, sparse, connects } = await withScratch((folder) =>
      withServer({ folder, env: { DATABASE_URL: sqld.url } }, async (server) => ({
        alone: await runPairs(server, { pairs: 1, window: 1, seconds: aloneSeconds, textBytes }),
        seen: await runPairs(server, { pairs, window, seconds, textBytes, beside: [sqld.pid()] }),
        sparse: await runPairs(server, { ...sparsely, seconds, textBytes, beside: [sqld.pid()] }),
        connects: await comeBack(server, sqld),
      })),
    );
    const [databaseCpu = 0] = seen.besideCpu;
    const [sparseCpu = 0] = sparse.besideCpu;
    const sparseRate = Math.min(sparse.acceptedPerSecond, sparse.receivedPerSecond);
    const rate = Math.min(seen.acceptedPerSecond, seen.receivedPerSecond);
    return [
      measure("accepted", "messages/s", seen.acceptedPerSecond),
      measure("received", "messages/s", seen.receivedPerSecond),
      measure("accepted, median, window full", "ms", seen.acceptedMs.p50),
      measure("alone: accepted p50", "ms", alone.acceptedMs.p50),
      measure("alone: accepted p99", "ms", alone.acceptedMs.p99),
      measure("alone: received p50", "ms", alone.receivedMs.p50),
      measure("alone: received p99", "ms", alone.receivedMs.p99),
      measure("server's processor time", "µs/message", (seen.serverCpu * 1e6) / rate),
      measure("database's processor time", "µs/message", (databaseCpu * 1e6) / rate),
      measure("2 000 pairs, one send each: messages", "messages/s", sparseRate),
      measure("2 000 pairs: accepted, median", "ms", sparse.acceptedMs.p50),
      measure("2 000 pairs: server's processor time", "µs/message", (sparse.serverCpu * 1e6) / sparseRate),
      measure("2 000 pairs: database's processor time", "µs/message", (sparseCpu * 1e6) / sparseRate),
      measure("devices that come back", "1/s", connects.perSecond),
      measure("server's processor time for one", "µs", connects.serverMicros),
      measure("database's processor time for one", "µs", connects.databaseMicros),
      measure("raw batches", "messages/s", raw.perSecond),
      measure("messages in the best raw batch", "", raw.batch),
      measure("a raw batch, whatever is in it", "ms", commit.emptyMs),
      measure("each message in it", "µs", commit.messageMicros),
      measure("ratio to raw (goal 0.33)", "×", rate / raw.perSecond),
    ];
  } finally {
    await sqld.stop();
  }
};

/** The time of a batch as a straight line through the smallest and the largest: its own cost, and the cost of each message. */
function fitCommit(rates: readonly RawRate[]) {
  const points = rates.map(({ batch, perSecond }) => ({ batch, ms: (batch * 1_000) / perSecond }));
  const [small, large] = [points[0], points.at(-1)];
  if (!small || !large) throw new Error("No batch was measured");
  const messageMs = (large.ms - small.ms) / (large.batch - small.batch);
  return { emptyMs: small.ms - small.batch * messageMs, messageMicros: messageMs * 1_000 };
}

/** Returning devices, all at once, with nothing new for them. */
async function comeBack(server: ServerProcess, sqld: Sqld) {
  const users = Array.from({ length: comingBack }, (_, i) => `back-${i}`);
  await (
    await openCrowd(server.port, users)
  )();
  const spent = (): readonly number[] => [server.pid, sqld.pid()].map(cpuSeconds);
  const [start, before] = [performance.now(), spent()];
  const close = await openCrowd(server.port, users);
  const [seconds, after] = [(performance.now() - start) / 1_000, spent()];
  await close();
  const [serverMicros = 0, databaseMicros = 0] = after.map((now, i) => ((now - (before[i] ?? now)) * 1e6) / comingBack);
  return { perSecond: comingBack / seconds, serverMicros, databaseMicros };
}

async function rawBatches({ pairs, seconds, textBytes }: BenchOptions): Promise<readonly RawRate[]> {
  const measureMs = (seconds * 1_000) / 2;
  const warmUpMs = 500;
  const shared = { pairs, textBytes, warmUpMs, measureMs, commitDelayMs: 0, isLean: false };
  return await withScratch(async (folder) => {
    const found: RawRate[] = [];
    for (const size of batchSizes) {
      const sqld = await startSqld();
      const input: RawStoreInput = { ...shared, folder, batchSizes: [size], url: sqld.url };
      const { rates } = await runChild<RawStoreAnswer>("load/raw-store.ts", input, 60_000 + measureMs + warmUpMs);
      found.push(...rates);
      await sqld.stop();
    }
    return found;
  });
}
