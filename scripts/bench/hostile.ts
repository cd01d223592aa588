import type { Benchmark, BenchOptions, Measure } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runChild } from "./child.ts";
import type { ActAnswer, ActInput } from "./load/hostile-act.ts";
import { seedHostile } from "./load/hostile-seed.ts";
import { runPairs } from "./load/run-pairs.ts";
import { withScratch } from "./scratch.ts";
import { type ServerProcess, withServer } from "./server-process.ts";
import { median } from "./statistics.ts";

/** The acts of one hostile user, each by itself. */
export const hostileActs = [
  ...[
    "reads",
    "acks",
    "refused frames",
    "replays",
    "control replays",
    "connects",
    "watches",
    "typing",
    "explain",
    "history",
    "everything",
  ],
  ...["conversations", "unread", "blocks", "devices", "new devices", "sends", "badges"],
];

/** The bystanders: users who write to each other at a fixed rate, each of them twice a second. */
const bystanders = { pairs: 100, window: 1, rate: 200, textBytes: 64 };
/** An act begins before the bystanders are measured, and ends after. */
const besideMs = 3_500;

/**
 * The bystanders' waits while one hostile user acts, all limits at their defaults, against their waits while no other user acts,
 * in the same run on the same server; and the longest stop of the server's event loop meanwhile.
 */
export const hostile: Benchmark = async (options) =>
  withScratch(async (folder) => {
    const { messages, conversations, devices, acts } = options;
    await seedHostile(folder, { messages, conversations, devices });
    return await withServer({ folder, entry: "load/hostile-server.ts" }, async (server) => {
      await waitOf(server, options);
      const idle: number[] = [];
      const seen: { readonly act: string; readonly ms: number; readonly stopMs: number; readonly perSecond: number }[] =
        [];
      for (const act of acts) {
        idle.push(await waitOf(server, options));
        await stopOf(server);
        const ms = options.seconds * 1_000 + besideMs;
        const input: ActInput = { act, port: server.port, ms, devices };
        const acting = runChild<ActAnswer>("load/hostile-act.ts", input, ms + 60_000);
        const [waitedMs, { done, refused }] = await Promise.all([waitOf(server, options), acting]);
        const stopMs = await stopOf(server);
        seen.push({ act, ms: waitedMs, stopMs, perSecond: (done * 1_000) / ms });
        console.error(
          `${act}: p99 ${waitedMs.toFixed(1)} ms, longest stop ${stopMs.toFixed(0)} ms; it did ${done}, and was refused ${refused}`,
        );
      }
      idle.push(await waitOf(server, options));
      const idleMs = median(idle);
      const ratios = seen.map(({ ms }) => ms / idleMs);
      return [
        measure("bystander's p99, nobody else there", "ms", idleMs),
        ...seen.flatMap(({ act, ms, stopMs, perSecond }): Measure[] => [
          measure(`${act}: bystander's p99`, "ms", ms),
          measure(`${act}: to idle (goal below 2)`, "×", ms / idleMs),
          measure(`${act}: longest stop (goal below 50)`, "ms", stopMs),
          measure(`${act}: done`, "/s", perSecond),
        ]),
        measure("worst of them to idle (goal below 2)", "×", Math.max(...ratios)),
        measure("longest stop of all (goal below 50)", "ms", Math.max(...seen.map(({ stopMs }) => stopMs))),
      ];
    });
  });

/** The p99 of bystanders: of an answer, or of its change at the other one, whichever is longer. */
async function waitOf(server: ServerProcess, { seconds }: BenchOptions): Promise<number> {
  const { acceptedMs, receivedMs } = await runPairs(server, { ...bystanders, seconds });
  return Math.max(acceptedMs.p99, receivedMs.p99);
}

async function stopOf({ port }: ServerProcess): Promise<number> {
  return Number(await (await fetch(`http://127.0.0.1:${port}/stops`)).text());
}
