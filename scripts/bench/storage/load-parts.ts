import { measure, type Measure } from "../benchmark.ts";
import type { PairsAnswer } from "../load/pairs.ts";
import { runPairs } from "../load/run-pairs.ts";
import { ofBoth, type Part, sideOptions, type StorageOptions } from "./part.ts";
import { type Both, inTurn, ratioOf, withSide } from "./side.ts";

const lonePerSecond = 200;
const slowDiskMs = 10;

const rateOf = ({ acceptedPerSecond, receivedPerSecond }: PairsAnswer): number =>
  Math.min(acceptedPerSecond, receivedPerSecond);
const cpuMicros = (seen: PairsAnswer): number => (seen.serverCpu * 1e6) / rateOf(seen);

type Load = { readonly window: number; readonly rate?: number; readonly commitDelayMs?: number };

/** The load of `throughput` on both. */
const loadBoth = (options: StorageOptions, { commitDelayMs, ...load }: Load): Promise<Both<PairsAnswer>> =>
  inTurn((side) =>
    withSide(side, sideOptions(options, commitDelayMs), (server) => runPairs(server, { ...pairsOf(options), ...load })),
  );

const pairsOf = ({ pairs, seconds, textBytes, warmUpMs }: StorageOptions) => ({ pairs, seconds, textBytes, warmUpMs });

const throughputLines = (name: string, seen: Both<PairsAnswer>): Measure[] => [
  ...ofBoth(seen, name, "messages/s", rateOf),
  ...ofBoth(seen, `${name}, processor time`, "µs/message", cpuMicros),
  ...ofBoth(seen, `${name}, generator's share of a core`, "cores", ({ loadCpu }) => loadCpu),
];

export async function window1(options: StorageOptions): Promise<Part> {
  const seen = await loadBoth(options, { window: 1 });
  return {
    ratios: [
      measure("window 1: rate (goal 1.2)", "×", ratioOf(seen, rateOf)),
      measure("window 1: processor time a message", "×", ratioOf(seen, cpuMicros)),
    ],
    details: throughputLines("window 1", seen),
  };
}

/** With it, what users notice beside the rate: stops of the event loop, and the size of the log. */
export async function fullWindow(options: StorageOptions): Promise<Part> {
  const { window, warmUpMs } = options;
  const name = `window ${window}`;
  const probed = await inTurn((side) =>
    withSide(side, { ...sideOptions(options), isProbed: true }, (server) =>
      server.probe.during(() => runPairs(server, { ...pairsOf(options), window }), warmUpMs),
    ),
  );
  const seen = { naive: probed.naive.seen, tidings: probed.tidings.seen };
  return {
    ratios: [
      measure(`${name}: rate (goal 2.0)`, "×", ratioOf(seen, rateOf)),
      measure(`${name}: processor time a message`, "×", ratioOf(seen, cpuMicros)),
    ],
    details: [
      ...throughputLines(name, seen),
      ...ofBoth(probed, `${name}, longest stop of the event loop (goal 20)`, "ms", ({ stallMs }) => stallMs),
      ...ofBoth(probed, `${name}, largest size of the log`, "MB", ({ logBytes }) => logBytes / 1e6),
    ],
  };
}

/** Messages so far from each other that each is alone in its commit, on servers that have compiled their code under load before. */
export async function lone(options: StorageOptions): Promise<Part> {
  const { window, warmUpMs } = options;
  const seen = await inTurn((side) =>
    withSide(side, sideOptions(options), async (server) => {
      await runPairs(server, { ...pairsOf(options), window, seconds: warmUpMs / 1_000 });
      return await runPairs(server, { ...pairsOf(options), window: 1, rate: lonePerSecond });
    }),
  );
  const name = `a message alone, ${lonePerSecond}/s`;
  return {
    ratios: [
      measure(`${name}: processor time (goal 1.5)`, "×", ratioOf(seen, cpuMicros)),
      ...(["p50", "p99"] as const).map((at) =>
        measure(
          `${name}: accepted ${at} (goal 1.25)`,
          "×",
          ratioOf(seen, ({ acceptedMs }) => acceptedMs[at]),
        ),
      ),
    ],
    details: [
      ...ofBoth(seen, `${name}, processor time`, "µs/message", cpuMicros),
      ...(["p50", "p99"] as const).flatMap((at) =>
        ofBoth(seen, `${name}, accepted ${at}`, "ms", ({ acceptedMs }) => acceptedMs[at]),
      ),
    ],
  };
}

export async function slowDisk(options: StorageOptions): Promise<Part> {
  const seen = await loadBoth(options, { window: options.window, commitDelayMs: slowDiskMs });
  const name = `window ${options.window}, fsync + ${slowDiskMs} ms`;
  return {
    ratios: [measure(`${name}: rate`, "×", ratioOf(seen, rateOf))],
    details: throughputLines(name, seen),
  };
}
