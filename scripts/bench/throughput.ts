import { statSync } from "node:fs";
import { join } from "node:path";
import type { BenchOptions, Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runChild } from "./child.ts";
import type { RawRate, RawStoreAnswer, RawStoreInput } from "./load/raw-store.ts";
import { runPairs } from "./load/run-pairs.ts";
import { withScratch } from "./scratch.ts";
import { type ServerProcess, withServer } from "./server-process.ts";

/** The best of these counts: a baseline of a poor batch size would flatter the server. */
const batchSizes = [256, 1_024, 4_096];

/** Durable sends end to end, against raw group commits of the same statements on a fresh file. */
export const throughput: Benchmark = async (options) => {
  const { pairs, window, seconds, textBytes, commitDelayMs } = options;
  const raw = await rawStore(options, false);
  const lean = await rawStore(options, true);
  const { seen, fileBytes } = await withScratch(async (folder) => {
    const use = (server: ServerProcess) => runPairs(server, { pairs, window, seconds, textBytes });
    const answer = await withServer({ folder, commitDelayMs }, use);
    return { seen: answer, fileBytes: statSync(join(folder, "chat.db")).size };
  });
  const rate = Math.min(seen.acceptedPerSecond, seen.receivedPerSecond);
  return [
    measure("accepted", "messages/s", seen.acceptedPerSecond),
    measure("received", "messages/s", seen.receivedPerSecond),
    measure("all of it", "µs/message", 1e6 / rate),
    measure("server's processor time", "µs/message", (seen.serverCpu * 1e6) / rate),
    measure("server's share of a core", "cores", seen.serverCpu),
    measure("generator's share of a core", "cores", seen.loadCpu),
    measure("accepted, median, window full", "ms", seen.acceptedMs.p50),
    measure("database file", "bytes/message", fileBytes / seen.sent),
    measure("raw store, every statement of a commit", "messages/s", raw.perSecond),
    measure("raw store's processor time", "µs/message", raw.cpuMicros),
    measure("raw store, without those for new people", "messages/s", lean.perSecond),
    measure("ratio to raw (goal 0.5)", "×", rate / raw.perSecond),
    measure("ratio to raw without those", "×", rate / lean.perSecond),
    measure("ratio to raw by processor time", "×", (raw.cpuMicros * rate) / (seen.serverCpu * 1e6)),
  ];
};

/** The best rate of a few batch sizes. */
async function rawStore(options: BenchOptions, isLean: boolean): Promise<RawRate> {
  const { pairs, seconds, textBytes, commitDelayMs } = options;
  const measureMs = (seconds * 1_000) / 2;
  const warmUpMs = 500;
  return withScratch(async (folder) => {
    const input: RawStoreInput = {
      folder,
      pairs,
      textBytes,
      batchSizes,
      warmUpMs,
      measureMs,
      commitDelayMs,
      isLean,
    };
    const { rates } = await runChild<RawStoreAnswer>("load/raw-store.ts", input, 60_000 + 3 * (measureMs + warmUpMs));
    return rates.reduce((best, one) => (one.perSecond > best.perSecond ? one : best));
  });
}
