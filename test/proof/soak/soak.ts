import { statSync } from "node:fs";
import { join } from "node:path";
import { Member } from "../load/member.ts";
import type { StartTried } from "../load/scenario.ts";
import { plant } from "../../plants/index.ts";
import { type Holdings, holdingsOf } from "../../support/alteration.ts";
import { createChance, type Chance } from "../sim/chance.ts";
import { trendOf, type Trend } from "./trend.ts";

export type Soak = {
  readonly start: StartTried;
  readonly seed: number;
  /** Users of one cycle; each comes, chats, stalls, drops, comes back and leaves. */
  readonly people: number;
  /** The server's page cache: until the database is that large, its growth is no leak. */
  readonly cacheBytes: number;
  /** Cycles that only warm up, once that cache is full: code is compiled, pools fill. */
  readonly warmUpCycles: number;
  /** Whether another cycle starts; `cycles`: the number that have counted. */
  readonly goesOn: (cycles: number) => boolean;
  /** Rest between two cycles: a soak is about time, not about load. */
  readonly restMs: number;
  /** The longest time after a cycle until maps are empty. */
  readonly settleMs: number;
};

export type Soaked = {
  /** Only cycles after the warm-up count: none, if the soak ended before. */
  readonly cycles: number;
  readonly hours: number;
  /** Sizes that were not 0 once all had left. */
  readonly remains: readonly string[];
  /** Anonymous memory of the process, in MB an hour and in MB a cycle; objects of the heap, a cycle. */
  readonly memory: Trend;
  readonly memoryPerCycle: Trend;
  readonly objects: Trend;
  /** Classes of objects that grew in every cycle, and by how many over all. */
  readonly growing: readonly string[];
};

const sends = 6;
/** Machine code and the like: they come with warming up, not with users. */
const code = /CodeBlock$|Executable$|^Structure/;
const stallMs = 30;
/** Every page is written before the file has it, so a file somewhat larger than the cache means that the cache is full. */
const fullShare = 1.25;
const fillCyclesMax = 20_000;

type Sample = { readonly hours: number; readonly anonymousBytes: number; readonly holdings: Holdings };

/** R10, H11: cycles of life on one server, and the memory that each of them leaves behind. */
export async function soak(options: Soak): Promise<Soaked> {
  const { start, seed, people, cacheBytes, warmUpCycles, goesOn, restMs, settleMs } = options;
  const server = await start({
    isInspected: true,
    env: { LOG_LEVEL: "info" },
    // After leaving, a user is online for a little longer.
    limits: { presenceGraceMs: 50 },
    alterations: plant("a page cache of so many bytes", cacheBytes),
  });
  const chance = createChance(seed);
  const begin = performance.now();
  const samples: Sample[] = [];
  const remains: string[] = [];
  let isFull = false;
  let warmCycles = 0;
  try {
    for (let cycle = 0; goesOn(samples.length); cycle++) {
      await live(server.port, { people, chance });
      const holdings = await settled(() => holdingsOf(server), settleMs);
      for (const [name, size] of Object.entries(holdings.sizes))
        if (size !== 0) remains.push(`${name} is ${size} after cycle ${cycle}`);
      if (!isFull) {
        if (cycle >= fillCyclesMax) throw new Error(`The database is no larger after ${cycle} cycles`);
        isFull = statSync(join(server.dir, "tidings.db")).size > cacheBytes * fullShare;
        continue;
      }
      if (warmCycles++ >= warmUpCycles) {
        const hours = (performance.now() - begin) / 3_600_000;
        samples.push({ hours, anonymousBytes: server.anonymousBytes(), holdings });
      }
      await Bun.sleep(restMs);
    }
    return { remains, ...resultOf(samples, people) };
  } finally {
    await server.dispose();
  }
}

function resultOf(samples: readonly Sample[], people: number): Omit<Soaked, "remains"> {
  const megabytes = samples.map(({ anonymousBytes }) => anonymousBytes / 1e6);
  const hours = samples.map((sample) => sample.hours);
  const objects = samples.map(({ holdings }) => holdings.objectCount);
  return {
    cycles: samples.length,
    hours: (hours[hours.length - 1] ?? 0) - (hours[0] ?? 0),
    memory: trendOf(megabytes.map((value, i) => ({ at: hours[i] ?? 0, value }))),
    memoryPerCycle: trendOf(megabytes.map((value, at) => ({ at, value }))),
    objects: trendOf(objects.map((value, at) => ({ at, value }))),
    growing: growing(
      samples.map(({ holdings }) => holdings),
      people,
    ),
  };
}

/** One cycle: all users are new to the hub, and have left at the end. */
async function live(port: number, { people, chance }: { people: number; chance: Chance }): Promise<void> {
  await Promise.all(
    Array.from({ length: people }, async (_, i) => {
      const peer = `person${(i + 1) % people}`;
      // Always the same users: a growing number of users grows the database, which is no leak.
      const member = new Member({ port, user: `person${i}` });
      const plan = { doesStall: chance.hits(0.3), doesDrop: chance.hits(0.5), doesBabble: chance.hits(0.2) };
      await member.resume(() => false);
      const answered = Promise.withResolvers<void>();
      let accepted = 0;
      member.onAccepted = () => {
        if (++accepted === sends) answered.resolve();
      };
      if (plan.doesBabble) member.socket?.text("{babble");
      member.socket?.text(`{"type":"typing","to":"${peer}","typing":true}`);
      member.socket?.text(`{"type":"watch","users":["${peer}","nobody"]}`);
      if (plan.doesStall) member.socket?.pause();
      for (let k = 0; k < sends; k++) member.send(peer, `hello ${k}`);
      await Bun.sleep(stallMs);
      member.socket?.resume();
      await answered.promise;
      member.socket?.text(`{"type":"ack","cursor":"${member.cursor}"}`);
      if (plan.doesDrop) {
        member.leave();
        await member.resume(() => false);
      }
      member.leave();
    }),
  );
}

/** The server learns of a socket's end a little later than its client. */
async function settled(look: () => Promise<Holdings>, settleMs: number): Promise<Holdings> {
  const end = performance.now() + settleMs;
  for (;;) {
    const holdings = await look();
    if (Object.values(holdings.sizes).every((size) => size === 0) || performance.now() > end) return holdings;
    await Bun.sleep(100);
  }
}

/** Objects under way at a look, for each user: timers, frames, a commit's buffers. They do not grow with the cycles. */
const passingEach = 16;

/** Classes that grow by at least one per user and cycle, beside passing objects. */
function growing(samples: readonly Holdings[], people: number): string[] {
  const [first, last] = [samples[0], samples[samples.length - 1]];
  if (first === undefined || last === undefined || samples.length < 3) return [];
  return Object.keys(last.objectTypeCounts).flatMap((type) => {
    if (code.test(type)) return [];
    const counts = samples.map(({ objectTypeCounts }) => objectTypeCounts[type] ?? 0);
    const { low } = trendOf(counts.map((value, at) => ({ at, value })));
    const more = (counts[counts.length - 1] ?? 0) - (counts[0] ?? 0);
    return low > 0 && more >= people * (samples.length - 1 + passingEach) ? [`${more} more ${type}`] : [];
  });
}
