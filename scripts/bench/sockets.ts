import type { Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runPairs } from "./load/run-pairs.ts";
import { withScratch } from "./scratch.ts";
import { withServer } from "./server-process.ts";

/** The limit of sockets: the same load on a server that stores nothing, beside the real one in the same run. */
export const sockets: Benchmark = async ({ pairs, window, seconds, textBytes, commitDelayMs }) => {
  const load = { pairs, window, seconds, textBytes };
  const bare = await withScratch((folder) =>
    withServer({ folder, entry: "load/echo-server.ts" }, (server) => runPairs(server, load)),
  );
  const real = await withScratch((folder) => withServer({ folder, commitDelayMs }, (server) => runPairs(server, load)));
  const rateOf = (seen: typeof bare): number => Math.min(seen.acceptedPerSecond, seen.receivedPerSecond);
  return [
    measure("bare sockets", "messages/s", rateOf(bare)),
    measure("bare sockets, server's processor time", "µs/message", (bare.serverCpu * 1e6) / rateOf(bare)),
    measure("bare sockets, generator's share of a core", "cores", bare.loadCpu),
    measure("tidings", "messages/s", rateOf(real)),
    measure("ratio to bare sockets", "×", rateOf(real) / rateOf(bare)),
  ];
};
