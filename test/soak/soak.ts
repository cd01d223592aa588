import { Member } from "../load/member.ts";
import type { StartTried } from "../load/scenario.ts";
import { type Holdings, holdingsOf } from "../support/alteration.ts";
import { createChance, type Chance } from "../sim/chance.ts";
import { trendOf, type Trend } from "./trend.ts";

export type Soak = {
  readonly start: StartTried;
  readonly seed: number;
  /** People of one cycle; each comes, chats, stalls, drops, comes back and leaves. */
  readonly people: number;
  /** Cycles that only warm up: code is compiled, caches fill. */
  readonly warmUpCycles: number;
  /** Whether a further cycle is begun, asked after each one that counts. */
  readonly goesOn: (cycles: number) => boolean;
  /** Rest between two cycles: a soak is about time, not about load. */
  readonly restMs: number;
  /** How long after a cycle maps may take to empty. */
  readonly settleMs: number;
};

export type Soaked = {
  readonly cycles: number;
  readonly hours: number;
  /** What was not 0 once everybody had left. */
  readonly remains: readonly string[];
  /** Memory of the process, in MB an hour; objects of the heap, a cycle. */
  readonly memory: Trend;
  readonly objects: Trend;
  /** Classes of objects that grew in every cycle, and by how many over all. */
  readonly growing: readonly string[];
};

const sends = 6;
/** Machine code and its like: they come with warming up, not with people. */
const code = /CodeBlock$|Executable$|^Structure/;
const stallMs = 30;

/** R10, H11: cycles of life on one server, and what each of them leaves behind in its memory. */
export async function soak({ start, seed, people, warmUpCycles, goesOn, restMs, settleMs }: Soak): Promise<Soaked> {
  const server = await start({ isInspected: true, env: { LOG_LEVEL: "info" } });
  const chance = createChance(seed);
  const begin = performance.now();
  const hours = (): number => (performance.now() - begin) / 3_600_000;
  const samples: { at: number; holdings: Holdings }[] = [];
  const remains: string[] = [];
  try {
    for (let cycle = 0; cycle < warmUpCycles || goesOn(cycle - warmUpCycles); cycle++) {
      await live(server.port, { people, chance });
      const holdings = await settled(() => holdingsOf(server), settleMs);
      for (const [name, size] of Object.entries(holdings.sizes))
        if (size !== 0) remains.push(`${name} is ${size} after cycle ${cycle}`);
      if (cycle >= warmUpCycles) samples.push({ at: hours(), holdings });
      await Bun.sleep(restMs);
    }
    const points = (of: (holdings: Holdings) => number) => samples.map(({ holdings }, i) => ({ i, v: of(holdings) }));
    return {
      cycles: samples.length,
      hours: hours(),
      remains,
      memory: trendOf(samples.map(({ at, holdings }) => ({ at, value: holdings.rssBytes / 1e6 }))),
      objects: trendOf(points(({ objectCount }) => objectCount).map(({ i, v }) => ({ at: i, value: v }))),
      growing: growing(
        samples.map(({ holdings }) => holdings),
        people,
      ),
    };
  } finally {
    await server.dispose();
  }
}

/** One cycle: everybody is new to the hub, and has left in the end. */
async function live(port: number, { people, chance }: { people: number; chance: Chance }): Promise<void> {
  await Promise.all(
    Array.from({ length: people }, async (_, i) => {
      const peer = `person${(i + 1) % people}`;
      // Always the same people: what grows with the number of users is the database, not a leak.
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

/** Classes that grow by at least one for each person of each cycle: fewer are timers and frames on their way. */
function growing(samples: readonly Holdings[], people: number): string[] {
  const [first, last] = [samples[0], samples[samples.length - 1]];
  if (first === undefined || last === undefined || samples.length < 3) return [];
  return Object.keys(last.objectTypeCounts).flatMap((type) => {
    if (code.test(type)) return [];
    const counts = samples.map(({ objectTypeCounts }) => objectTypeCounts[type] ?? 0);
    const { low } = trendOf(counts.map((value, at) => ({ at, value })));
    const more = (counts[counts.length - 1] ?? 0) - (counts[0] ?? 0);
    return low > 0 && more >= people * (samples.length - 1) ? [`${more} more ${type}`] : [];
  });
}
