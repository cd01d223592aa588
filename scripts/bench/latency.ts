import type { Benchmark, Measure } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import type { Quantiles } from "./load/pairs.ts";
import { runPairs } from "./load/run-pairs.ts";
import { withScratch } from "./scratch.ts";
import { withServer } from "./server-process.ts";

const probeSeconds = 3;
const share = 0.5;

/**
 * From a send to its answer and to its change at the receiver: alone on the server, and at half of the server's
 * rate. There sends are due on a fixed schedule and their time counts from when they were due, so that a server that
 * stalls cannot hide it by receiving fewer requests.
 */
export const latency: Benchmark = async ({ pairs, window, seconds, textBytes, commitDelayMs }) =>
  withScratch((folder) =>
    withServer({ folder, commitDelayMs }, async (server) => {
      const alone = await runPairs(server, { pairs: 1, window: 1, seconds, textBytes });
      const probe = await runPairs(server, { pairs, window, seconds: probeSeconds, textBytes });
      const rate = Math.max(1, Math.floor(share * Math.min(probe.acceptedPerSecond, probe.receivedPerSecond)));
      const loaded = await runPairs(server, { pairs, window, rate, seconds, textBytes });
      return [
        ...measuresOf("alone: accepted", alone.acceptedMs),
        ...measuresOf("alone: received", alone.receivedMs),
        measure("half load: rate asked for", "messages/s", rate),
        measure("half load: rate seen", "messages/s", loaded.acceptedPerSecond),
        ...measuresOf("half load: accepted", loaded.acceptedMs),
        ...measuresOf("half load: received", loaded.receivedMs),
      ];
    }),
  );

const measuresOf = (name: string, { p50, p95, p99 }: Quantiles): Measure[] => [
  measure(`${name} p50`, "ms", p50),
  measure(`${name} p95`, "ms", p95),
  measure(`${name} p99`, "ms", p99),
];
