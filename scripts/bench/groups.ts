import type { Benchmark, BenchOptions, Measure } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { runChild } from "./child.ts";
import { groupId, readers, seedCrowd, seedReaders, seedSizes } from "./groups/seed.ts";
import { openCrowd } from "./load/crowd.ts";
import type { GroupCrowdAnswer, GroupCrowdInput } from "./load/group-crowd.ts";
import type { GroupReadersAnswer, GroupReadersInput } from "./load/group-readers.ts";
import type { GroupCost, GroupStoreAnswer, GroupStoreInput } from "./load/group-store.ts";
import { settledRssBytes } from "./process-usage.ts";
import { withScratch } from "./scratch.ts";
import { type ServerProcess, withServer } from "./server-process.ts";
import { type Cores, withCores } from "./storage/cores.ts";

export type GroupOptions = Pick<BenchOptions, "members" | "seconds" | "textBytes" | "parts"> & {
  readonly cores: Cores;
  readonly rounds: number;
  /** Members who are connected while one writes. */
  readonly connected: number;
  readonly warmUpMs: number;
  /** People and groups of the node whose memory is measured, and how long it may take to settle. */
  readonly crowd: { readonly people: number; readonly groups: number; readonly settleMs?: number };
};

const graceMs = 120_000;
const levelOfGroups = 3;
const nothing: GroupCost = { micros: Number.NaN, bytes: Number.NaN };

/** Messages into groups beside as many messages to one other user, and changes of members, in the store. */
async function store({ members, textBytes, rounds }: GroupOptions): Promise<Measure[]> {
  const seen = await withScratch(async (folder) => {
    await seedSizes(folder, members);
    const input: GroupStoreInput = { folder, sizes: members, textBytes, rounds };
    return await runChild<GroupStoreAnswer>("load/group-store.ts", input, graceMs);
  });
  const ratios: Measure[] = [];
  const details: Measure[] = [];
  const kinds = [
    ["a message at 100 a commit", seen.full],
    ["a message alone", seen.lone],
  ] as const;
  for (const [name, [direct = nothing, ...groups]] of kinds) {
    const note = (whose: string, { micros, bytes }: GroupCost): unknown =>
      details.push(measure(`${name}, ${whose}`, "µs", micros), measure(`${name}, log, ${whose}`, "bytes", bytes));
    note("to one user", direct);
    for (const [at, cost] of groups.entries()) {
      const whose = `${members[at]} members`;
      ratios.push(
        measure(`${name}, ${whose}: processor time (goal 1.2)`, "×", cost.micros / direct.micros),
        measure(`${name}, ${whose}: log (goal 1.2)`, "×", cost.bytes / direct.bytes),
      );
      note(whose, cost);
    }
  }
  const changes = [
    ["a join", seen.join],
    ["a leave", seen.leave],
    ["100 added", seen.addHundred],
  ] as const;
  for (const [name, costs] of changes)
    for (const [at, { micros, bytes }] of costs.entries())
      details.push(
        measure(`${name}, ${members[at]} members`, "µs", micros),
        measure(`${name}, log, ${members[at]} members`, "bytes", bytes),
      );
  return [...ratios, ...details];
}

const loads = [
  { name: "one writer", senders: 1, acks: true },
  { name: "one writer, no acks", senders: 1, acks: false },
  { name: "20 writers", senders: 20, acks: true },
] as const;

let turns = 0;

/** Deliveries to connected members beside a program that writes the same frames to as many sockets. */
async function deliveries(options: GroupOptions): Promise<Measure[]> {
  const { members, connected, seconds, textBytes, warmUpMs, cores } = options;
  const ratios: Measure[] = [];
  const details: Measure[] = [];
  for (const [at, size] of members.entries()) {
    if (size < connected) continue;
    for (const { name, ...load } of loads) {
      const run = (side: "bare" | "tidings"): Promise<GroupCrowdAnswer> =>
        withScratch(async (folder) => {
          if (side === "tidings") await seedSizes(folder, members);
          const entry = { entry: "load/bare-group-server.ts", env: { BARE_CURSOR: "x".repeat(cursorLength) } };
          const server = { folder, command: cores.serverCommand, ...(side === "bare" && entry) };
          return await withServer(server, async ({ port, pid }) => {
            const measureMs = (seconds * 1_000) / 2;
            const input: GroupCrowdInput = {
              ...{ port, pid, group: groupId(at, 0), connected, window: 1, textBytes, warmUpMs, measureMs, ...load },
            };
            return await runChild<GroupCrowdAnswer>("load/group-crowd.ts", input, warmUpMs + measureMs + graceMs);
          });
        });
      // In turn, and the other one first the next time.
      const isBareFirst = turns++ % 2 === 0;
      const first = await run(isBareFirst ? "bare" : "tidings");
      const second = await run(isBareFirst ? "tidings" : "bare");
      const [bare, tidings] = isBareFirst ? [first, second] : [second, first];
      const micros = (seen: GroupCrowdAnswer): number => (seen.serverCpu * 1e6) / seen.deliveriesPerSecond;
      const what = `deliveries, ${size} members, ${name}`;
      ratios.push(
        measure(`${what}: rate (goal 0.7)`, "×", tidings.deliveriesPerSecond / bare.deliveriesPerSecond),
        measure(`${what}: bare processor time to Tidings'`, "×", micros(bare) / micros(tidings)),
      );
      for (const [side, seen] of [["bare", bare] as const, ["Tidings", tidings] as const])
        details.push(
          measure(`${what}: ${side}`, "1/s", seen.deliveriesPerSecond),
          measure(`${what}, processor time: ${side}`, "µs", micros(seen)),
          measure(`${what}, messages a frame: ${side}`, "", seen.messagesPerFrame),
          measure(`${what}, bytes: ${side}`, "bytes", seen.bytesPerDelivery),
          measure(`${what}, generator's share of a core: ${side}`, "cores", seen.loadCpu),
        );
    }
  }
  return [...ratios, ...details];
}
/** As long as those of the server. */
const cursorLength = 22;

const most = Math.max(...readers.groups);
const looks = [
  ["nothing new", "nothing new"],
  ["news", `${readers.news} new messages`],
  ["news behind others'", `${readers.news} new messages, and ${readers.foreign} other groups changed`],
  ["news of all", `${readers.news + most} new messages, in all groups`],
] as const;

/** What is read for somebody in many groups, beside somebody with one conversation and as many new messages. */
async function reading({ rounds }: GroupOptions): Promise<Measure[]> {
  const seen = await withScratch(async (folder) => {
    await seedReaders(folder);
    const input: GroupReadersInput = { folder, rounds };
    return await runChild<GroupReadersAnswer>("load/group-readers.ts", input, graceMs);
  });
  const of = (name: string): number => seen[name] ?? Number.NaN;
  return [
    ...looks.map(([name, words]) =>
      measure(`resume in ${most} groups, ${words} (goal 3)`, "×", of(`${name}, groups`) / of(`${name}, one`)),
    ),
    ...looks.flatMap(([name, words]) => [
      measure(`resume in ${most} groups, ${words}: groups`, "µs", of(`${name}, groups`)),
      measure(`resume in ${most} groups, ${words}: one conversation`, "µs", of(`${name}, one`)),
    ]),
    ...readers.groups.map((groups) => measure(`list of ${groups} groups, at most 50`, "µs", of(`list, ${groups}`))),
  ];
}

/** Memory of a node whose people are in groups, beside the same without. */
async function memory({ crowd, cores }: GroupOptions): Promise<Measure[]> {
  const { people, groups, settleMs } = crowd;
  const names = Array.from({ length: people }, (_, i) => `member-${i}`);
  const grown = async ({ port, pid }: ServerProcess): Promise<number> => {
    // Compiled code and pages of the database.
    const closeFirst = await openCrowd(port, names.slice(0, people / 10), levelOfGroups);
    await closeFirst();
    const before = await settledRssBytes(pid, settleMs);
    const close = await openCrowd(port, names, levelOfGroups);
    const bytes = (await settledRssBytes(pid, settleMs)) - before;
    await close();
    return bytes;
  };
  const found: Measure[] = [];
  for (const each of [0, Math.min(20, groups), groups]) {
    const bytes = await withScratch(async (folder) => {
      await seedCrowd(folder, { people, groups, each });
      return await withServer({ folder, command: cores.serverCommand }, grown);
    });
    found.push(measure(`memory of ${people} connected, in ${each} of ${groups} groups each`, "MB", bytes / 1e6));
  }
  return found;
}

const parts: Readonly<Record<string, (options: GroupOptions) => Promise<Measure[]>>> = {
  store,
  deliveries,
  reading,
  memory,
};
export const groupParts: readonly string[] = Object.keys(parts);

/** The parts that are asked for. */
export async function measureGroups(options: GroupOptions): Promise<readonly Measure[]> {
  const seen: Measure[] = [];
  for (const name of options.parts) {
    const part = parts[name];
    if (part === undefined) throw new Error(`There is no part ${name}: ${groupParts.join(", ")}`);
    seen.push(...(await part(options)));
  }
  return seen;
}

/** Groups of few and of many members: what a message, a delivery, a change of members, a resume and a member cost. */
export const groups: Benchmark = (options) =>
  withCores((cores) =>
    measureGroups({
      ...options,
      ...{ cores, rounds: 31, connected: 1_000, warmUpMs: 1_500 },
      crowd: { people: 1_000, groups: 1_000 },
    }),
  );
