import Database from "libsql";
import { fillBacklog, receiveBacklog } from "./backlog.ts";
import type { Benchmark, BenchOptions, Measure } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runChild } from "./child.ts";
import { openIdleCrowd } from "./idle.ts";
import type { PairsAnswer } from "./load/pairs.ts";
import type { RandomPairsAnswer, RandomPairsInput } from "./load/random-pairs.ts";
import { runPairs, warmUpMsDefault } from "./load/run-pairs.ts";
import type { StorePagesAnswer, StorePagesInput } from "./load/store-pages.ts";
import { cpuSeconds } from "./process-usage.ts";
import { withScratch } from "./scratch.ts";
import { median } from "./statistics.ts";
import { type Cores, withCores } from "./storage/cores.ts";
import { populationOf, type Population, seedInto } from "./storage/seed.ts";
import { type Both, inTurn, ratioOf, type Side, type SideOptions, withSide } from "./storage/side.ts";

export type StorageOptions = Pick<
  BenchOptions,
  "pairs" | "window" | "seconds" | "textBytes" | "connections" | "commitDelayMs"
> & {
  readonly cores: Cores;
  readonly warmUpMs: number;
  /** Messages that are in the file before random pairs write to it. */
  readonly sizes: readonly number[];
  readonly conversationsMin?: number;
  /** How long the memory of a server may take to settle; default: that of `idle`. */
  readonly settleMs?: number;
  /** Messages that wait for one user. */
  readonly backlog: number;
  /** The size of the file on which single commits are measured, and how many. */
  readonly pages: { readonly size: number; readonly loneRounds: number; readonly fullRounds: number };
};

/** A part's lines: ratios of Tidings to the naive server, and what they are made of. */
type Part = { readonly ratios: readonly Measure[]; readonly details: readonly Measure[] };

const lonePerSecond = 200;
const slowDiskMs = 10;
const sizeUsual = 400_000;
const graceMs = 120_000;
const drains = 9;

/** Tidings beside a naive server: same machine, same run, in turn. Ratios come first. */
export const storage: Benchmark = (options) =>
  withCores((cores) =>
    measureStorage({
      ...options,
      ...{ cores, warmUpMs: warmUpMsDefault, backlog: 10_000 },
      // `--messages` asks for one more size.
      sizes: [0, sizeUsual, ...(options.messages > sizeUsual ? [options.messages] : [])],
      pages: { size: sizeUsual, loneRounds: 100, fullRounds: 20 },
    }),
  );

/** All parts, the ratios of all of them first. */
export async function measureStorage(options: StorageOptions): Promise<readonly Measure[]> {
  const parts = [await window1(options), await fullWindow(options), await lone(options)];
  if (options.commitDelayMs === 0) parts.push(await slowDisk(options));
  parts.push(await randomPairs(options), await drain(options), await crowd(options), await pages(options));
  return [...parts.flatMap(({ ratios }) => ratios), ...parts.flatMap(({ details }) => details)];
}

const names: Both<string> = { naive: "naive", tidings: "Tidings" };
const sides = ["naive", "tidings"] as const;

/** A line for each side. */
const ofBoth = <T>(seen: Both<T>, what: string, unit: string, of: (one: T) => number): Measure[] =>
  sides.map((side) => measure(`${what}: ${names[side]}`, unit, of(seen[side])));

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

const sideOptions = ({ cores, commitDelayMs }: StorageOptions, delayMs = commitDelayMs): SideOptions => ({
  cores,
  commitDelayMs: delayMs,
});

const throughputLines = (name: string, seen: Both<PairsAnswer>): Measure[] => [
  ...ofBoth(seen, name, "messages/s", rateOf),
  ...ofBoth(seen, `${name}, processor time`, "µs/message", cpuMicros),
  ...ofBoth(seen, `${name}, generator's share of a core`, "cores", ({ loadCpu }) => loadCpu),
];

async function window1(options: StorageOptions): Promise<Part> {
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
async function fullWindow(options: StorageOptions): Promise<Part> {
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
async function lone(options: StorageOptions): Promise<Part> {
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

async function slowDisk(options: StorageOptions): Promise<Part> {
  const seen = await loadBoth(options, { window: options.window, commitDelayMs: slowDiskMs });
  const name = `window ${options.window}, fsync + ${slowDiskMs} ms`;
  return {
    ratios: [measure(`${name}: rate`, "×", ratioOf(seen, rateOf))],
    details: throughputLines(name, seen),
  };
}

async function randomPairs(options: StorageOptions): Promise<Part> {
  const { sizes, conversationsMin } = options;
  const ratios: Measure[] = [];
  const details: Measure[] = [];
  const empty: { -readonly [S in Side]?: number } = {};
  for (const size of sizes) {
    const name = `random pairs, ${size} messages`;
    const population = populationOf(size, conversationsMin);
    const seen = await inTurn((side) => runRandomPairs(side, population, options));
    const rate = ({ acceptedPerSecond }: RandomPairsAnswer): number => acceptedPerSecond;
    ratios.push(measure(`${name}: rate`, "×", ratioOf(seen, rate)));
    for (const side of sides) {
      const first = (empty[side] ??= rate(seen[side]));
      if (size > 0)
        ratios.push(measure(`${name}: rate to that on an empty file: ${names[side]}`, "×", rate(seen[side]) / first));
    }
    details.push(
      ...ofBoth(seen, name, "messages/s", rate),
      ...ofBoth(seen, `${name}, processor time`, "µs/message", (one) => (one.serverCpu * 1e6) / rate(one)),
    );
  }
  return { ratios, details };
}

/** Senders whose peers are away: nothing is received, so the rows are counted afterwards. */
async function runRandomPairs(side: Side, population: Population, options: StorageOptions): Promise<RandomPairsAnswer> {
  const { window, seconds, textBytes, warmUpMs } = options;
  let sent = 0;
  const prepare = (folder: string): Promise<void> => seedInto(folder, side, population);
  const check = (file: string): void => {
    const table = side === "naive" ? "message" : "tidings_message";
    const stored = countAfter(file, table, population.messages);
    if (stored !== sent)
      throw new Error(`Of ${sent} accepted messages ${stored} are in the file of the ${names[side]} server`);
  };
  return await withSide(side, { ...sideOptions(options), prepare, check }, async ({ port, pid }) => {
    const measureMs = seconds * 1_000;
    const input: RandomPairsInput = { port, pid, population, window, textBytes, warmUpMs, measureMs };
    const seen = await runChild<RandomPairsAnswer>("load/random-pairs.ts", input, warmUpMs + measureMs + graceMs);
    if (seen.accepted !== seen.sent) throw new Error(`Of ${seen.sent} sends ${seen.accepted} were accepted`);
    sent = seen.sent;
    return seen;
  });
}

function countAfter(file: string, table: string, n: number): number {
  const database = new Database(file);
  const [row] = database.prepare(`SELECT count(*) AS count FROM ${table} WHERE n > ?1`).all(BigInt(n)) as {
    count: number;
  }[];
  database.close();
  return row?.count ?? 0;
}

async function drain(options: StorageOptions): Promise<Part> {
  const { backlog: messages, textBytes } = options;
  const seen = await inTurn((side) =>
    withSide(side, sideOptions(options), async ({ port, pid }) => {
      await fillBacklog(port, { messages, textBytes });
      const before = cpuSeconds(pid);
      const times: number[] = [];
      for (let i = 0; i < drains; i++) times.push(await receiveBacklog(port, messages));
      const micros = ((cpuSeconds(pid) - before) * 1e6) / (drains * messages);
      return { rate: (messages * 1_000) / median(times), micros };
    }),
  );
  const name = `${messages} waiting messages`;
  return {
    ratios: [
      measure(
        `${name}: rate (goal 1.5)`,
        "×",
        ratioOf(seen, ({ rate }) => rate),
      ),
    ],
    details: [
      ...ofBoth(seen, `${name}, received`, "messages/s", ({ rate }) => rate),
      ...ofBoth(seen, `${name}, processor time`, "µs/message", ({ micros }) => micros),
    ],
  };
}

async function crowd(options: StorageOptions): Promise<Part> {
  const { connections, settleMs } = options;
  const seen = await inTurn((side) =>
    withSide(side, sideOptions(options), async (server) => {
      const { close, ...found } = await openIdleCrowd(server, { connections, settleMs });
      await close();
      return found;
    }),
  );
  type Found = (typeof seen)["naive"];
  const bytes = ({ fullBytes, beforeBytes }: Found): number => (fullBytes - beforeBytes) / connections;
  const opened = ({ openedPerSecond }: Found): number => openedPerSecond;
  const name = `${connections} idle connections`;
  return {
    ratios: [measure(`${name}: opened`, "×", ratioOf(seen, opened))],
    details: [
      ...ofBoth(seen, `${name}, each (goal 6000)`, "bytes", bytes),
      ...ofBoth(seen, `${name}, opened`, "1/s", opened),
    ],
  };
}

const kinds = {
  lone: "a message alone in its commit",
  ack: "its ack",
  read: "its read",
  full: "a message at 100 a commit",
} as const;
const frameBytes = 4_120;

/** What single commits write, in a process without sockets. */
async function pages(options: StorageOptions): Promise<Part> {
  const { textBytes, conversationsMin, pages: asked } = options;
  const { size, ...rounds } = asked;
  const population = populationOf(size, conversationsMin);
  const seen = await inTurn((side) =>
    withScratch(async (folder) => {
      await seedInto(folder, side, population);
      const input: StorePagesInput = { folder, side, population, textBytes, ...rounds };
      return await runChild<StorePagesAnswer>("load/store-pages.ts", input, graceMs);
    }),
  );
  const of = (kind: keyof typeof kinds): Measure[] =>
    // The naive store has no reads.
    (kind === "read" ? (["tidings"] as const) : sides).flatMap((side) => {
      const { frames, cpuMicros: micros } = seen[side][kind];
      const name = `log, ${kinds[kind]}`;
      return [
        measure(`${name}: ${names[side]}`, "pages", frames),
        measure(`${name}, bytes: ${names[side]}`, "bytes", frames * frameBytes),
        measure(`${name}, processor time: ${names[side]}`, "µs", micros),
      ];
    });
  const { lone: one, ack, read, full } = seen.tidings;
  return {
    ratios: [],
    details: [
      measure("log, a message alone, its ack and its read (goal 8)", "pages", one.frames + ack.frames + read.frames),
      measure("log, a message at 100 a commit (goal 5000)", "bytes", full.frames * frameBytes),
      ...(Object.keys(kinds) as (keyof typeof kinds)[]).flatMap(of),
    ],
  };
}
