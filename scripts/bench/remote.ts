import { startSqld } from "../../test/support/sqld.ts";
import type { BenchOptions, Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runChild } from "./child.ts";
import type { RawRate, RawStoreAnswer, RawStoreInput } from "./load/raw-store.ts";
import { runPairs } from "./load/run-pairs.ts";
import { prepareDatabase } from "./remote-database.ts";
import { withScratch } from "./scratch.ts";
import { withServer } from "./server-process.ts";

/** The best of these counts. */
const batchSizes = [50, 256, 1_024];

/** Durable sends end to end on a libSQL server of this machine, against raw batches of the same statements to the same server. */
export const remote: Benchmark = async (options) => {
  const { pairs, window, seconds, textBytes } = options;
  const raw = await rawBatches(options);
  const sqld = await startSqld();
  try {
    await prepareDatabase(sqld.url);
    const seen = await withScratch((folder) =>
      withServer({ folder, env: { DATABASE_URL: sqld.url } }, (server) =>
        runPairs(server, { pairs, window, seconds, textBytes }),
      ),
    );
    const rate = Math.min(seen.acceptedPerSecond, seen.receivedPerSecond);
    return [
      measure("accepted", "messages/s", seen.acceptedPerSecond),
      measure("received", "messages/s", seen.receivedPerSecond),
      measure("accepted, median, window full", "ms", seen.acceptedMs.p50),
      measure("server's share of a core", "cores", seen.serverCpu),
      measure("raw batches", "messages/s", raw.perSecond),
      measure("messages in the best raw batch", "", raw.batch),
      measure("ratio to raw (goal 0.33)", "×", rate / raw.perSecond),
    ];
  } finally {
    await sqld.stop();
  }
};

async function rawBatches({ pairs, seconds, textBytes }: BenchOptions): Promise<RawRate> {
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
    return found.reduce((best, one) => (one.perSecond > best.perSecond ? one : best));
  });
}
