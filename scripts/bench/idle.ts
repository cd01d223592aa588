import type { Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { openCrowd } from "./load/crowd.ts";
import { cpuSeconds, settledRssBytes } from "./process-usage.ts";
import { withScratch } from "./scratch.ts";
import { type ServerProcess, withServer } from "./server-process.ts";

const warmUpConnections = 500;
/** One heartbeat of each connection, and a little more. */
const idleMs = 30_000;

/** Connections that do nothing, and the server's memory before and with them. */
export type IdleCrowd = {
  readonly beforeBytes: number;
  readonly fullBytes: number;
  readonly openedPerSecond: number;
  readonly close: () => Promise<void>;
};

/** Opens connections, each of its own user, after others that pay for compiled code and the database's page cache. */
export async function openIdleCrowd(
  { port, pid }: ServerProcess,
  { connections, settleMs }: { readonly connections: number; readonly settleMs?: number | undefined },
): Promise<IdleCrowd> {
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `idle-${i}`);
  const closeFirst = await openCrowd(port, names(Math.min(warmUpConnections, connections)));
  await closeFirst();
  const beforeBytes = await settledRssBytes(pid, settleMs);
  const start = performance.now();
  const close = await openCrowd(port, names(connections));
  const openedPerSecond = (connections * 1_000) / (performance.now() - start);
  return { beforeBytes, fullBytes: await settledRssBytes(pid, settleMs), openedPerSecond, close };
}

/** Memory of a connection that does nothing: the server's resident memory without and with a crowd of them. */
export const idle: Benchmark = async ({ connections, commitDelayMs }) =>
  withScratch((folder) =>
    withServer({ folder, commitDelayMs }, async (server) => {
      const { beforeBytes, fullBytes, openedPerSecond, close } = await openIdleCrowd(server, { connections });
      const spent = cpuSeconds(server.pid);
      await Bun.sleep(idleMs);
      const micros = ((cpuSeconds(server.pid) - spent) * 1e9) / idleMs / connections;
      await close();
      const after = await settledRssBytes(server.pid);
      const megabytes = (bytes: number): number => bytes / 1_000_000;
      return [
        measure("server with no connection", "MB", megabytes(beforeBytes)),
        measure(`server with ${connections}`, "MB", megabytes(fullBytes)),
        measure("each connection", "bytes", (fullBytes - beforeBytes) / connections),
        measure("processor time of each, silent", "µs/s", micros),
        measure("server after they left", "MB", megabytes(after)),
        measure("connections opened", "1/s", openedPerSecond),
      ];
    }),
  );
