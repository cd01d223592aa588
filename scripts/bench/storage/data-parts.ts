import Database from "libsql";
import { fillBacklog, receiveBacklog } from "../backlog.ts";
import { measure, type Measure } from "../benchmark.ts";
import { runChild } from "../child.ts";
import { openIdleCrowd } from "../idle.ts";
import type { RandomPairsAnswer, RandomPairsInput } from "../load/random-pairs.ts";
import type { StorePagesAnswer, StorePagesInput } from "../load/store-pages.ts";
import { cpuSeconds } from "../process-usage.ts";
import { withScratch } from "../scratch.ts";
import { median } from "../statistics.ts";
import { names, ofBoth, type Part, sideOptions, sides, type StorageOptions } from "./part.ts";
import { populationOf, type Population, seedInto } from "./seed.ts";
import { inTurn, ratioOf, type Side, withSide } from "./side.ts";

const graceMs = 120_000;
const drains = 9;

export async function randomPairs(options: StorageOptions): Promise<Part> {
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

export async function drain(options: StorageOptions): Promise<Part> {
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

export async function crowd(options: StorageOptions): Promise<Part> {
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
export async function pages(options: StorageOptions): Promise<Part> {
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
