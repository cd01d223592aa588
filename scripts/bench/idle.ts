import type { Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { openCrowd } from "./load/crowd.ts";
import { cpuSeconds, settledRssBytes } from "./process-usage.ts";
import { withScratch } from "./scratch.ts";
import { withServer } from "./server-process.ts";

const warmUpConnections = 500;
/** One heartbeat of each connection, and a little more. */
const idleMs = 30_000;

/** Memory of a connection that does nothing: the server's resident memory without and with a crowd of them. */
export const idle: Benchmark = async ({ connections, commitDelayMs }) =>
  withScratch((folder) =>
    withServer({ folder, commitDelayMs }, async ({ port, pid }) => {
      const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `idle-${i}`);
      // The first connections pay for compiled code and the database's page cache.
      const closeFirst = await openCrowd(port, names(Math.min(warmUpConnections, connections)));
      await closeFirst();
      const before = await settledRssBytes(pid);
      const start = performance.now();
      const close = await openCrowd(port, names(connections));
      const seconds = (performance.now() - start) / 1_000;
      const full = await settledRssBytes(pid);
      const spent = cpuSeconds(pid);
      await Bun.sleep(idleMs);
      const micros = ((cpuSeconds(pid) - spent) * 1e9) / idleMs / connections;
      await close();
      const after = await settledRssBytes(pid);
      const megabytes = (bytes: number): number => bytes / 1_000_000;
      return [
        measure("server with no connection", "MB", megabytes(before)),
        measure(`server with ${connections}`, "MB", megabytes(full)),
        measure("each connection", "bytes", (full - before) / connections),
        measure("processor time of each, silent", "µs/s", micros),
        measure("server after they left", "MB", megabytes(after)),
        measure("connections opened", "1/s", connections / seconds),
      ];
    }),
  );
