import type { BenchOptions, Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runPairs } from "./load/run-pairs.ts";
import { withScratch } from "./scratch.ts";
import { withServer } from "./server-process.ts";
import { median } from "./statistics.ts";

/** The order of off and on turns round each time, so that the load of a neighbour does not look like a difference. */
const roundsPerRun = 4;
const kinds = ["off", "online", "away"] as const;
type Kind = (typeof kinds)[number];

type Seen = { readonly rate: number; readonly cpuMicros: number; readonly sent: number };

/** The cost of push for senders: the load of `throughput` without it, with it, and with a notification for each message of some users. */
export const push: Benchmark = async (options) => {
  const seen: Readonly<Record<Kind, Seen[]>> = { off: [], online: [], away: [] };
  for (let round = 0; round < roundsPerRun; round++)
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) seen[kind].push(await run(options, kind));
  const { off, online, away } = seen;
  const ofAll = (list: readonly Seen[], of: (seen: Seen) => number): number => median(list.map(of));
  const ratio = (list: readonly Seen[], of: (seen: Seen) => number): number =>
    median(list.map((seen, i) => of(seen) / of(off[i] ?? seen)));
  return [
    measure(
      "without push",
      "messages/s",
      ofAll(off, ({ rate }) => rate),
    ),
    measure(
      "with push, all here",
      "messages/s",
      ofAll(online, ({ rate }) => rate),
    ),
    measure(
      "ratio (goal 0.95)",
      "×",
      ratio(online, ({ rate }) => rate),
    ),
    measure(
      "processor time to that without",
      "×",
      ratio(online, ({ cpuMicros }) => cpuMicros),
    ),
    measure(
      "sent, all here",
      "notices",
      ofAll(online, ({ sent }) => sent),
    ),
    measure(
      "a device of half of the receivers away",
      "messages/s",
      ofAll(away, ({ rate }) => rate),
    ),
    measure(
      "ratio, some away",
      "×",
      ratio(away, ({ rate }) => rate),
    ),
    measure(
      "processor time to that without, some away",
      "×",
      ratio(away, ({ cpuMicros }) => cpuMicros),
    ),
    measure(
      "sent, some away",
      "notices",
      ofAll(away, ({ sent }) => sent),
    ),
  ];
};

/** One fresh server: `online`: every device is here and acks; `away`: half of the receivers have another one that is not. */
async function run({ pairs, window, seconds, textBytes }: BenchOptions, kind: Kind): Promise<Seen> {
  const env = { PUSH: kind === "off" ? "off" : "on" };
  return await withScratch((folder) =>
    withServer({ folder, entry: "load/push-server.ts", env }, async (server) => {
      const load = { pairs, window, seconds, textBytes, ...(kind !== "off" && { registers: kind }) };
      const seen = await runPairs(server, load);
      const sent = Number(await (await fetch(`http://127.0.0.1:${server.port}/sent`)).text());
      if (kind === "online" && sent > 0) throw new Error(`${sent} notices for devices that are here and ack`);
      if (kind === "away" && sent === 0) throw new Error("No absent user was notified");
      const rate = Math.min(seen.acceptedPerSecond, seen.receivedPerSecond);
      return { rate, cpuMicros: (seen.serverCpu * 1e6) / rate, sent };
    }),
  );
}
