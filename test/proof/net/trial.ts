import { type Event, type Fault, judge } from "../checker/checker.ts";
import { type Chance, createChance } from "../sim/chance.ts";
import type { Nodes } from "../../support/nodes.ts";
import { createCrowd } from "./crowd.ts";
import { createRace } from "./race.ts";

/** A fault that lasts a while. `end` repairs it. */
type Mishap = {
  readonly begin: () => unknown;
  readonly end: () => unknown;
  readonly isPause?: boolean;
  /** How long its effects last after its end. */
  readonly echoMs?: number;
};

export type TrialOptions = {
  readonly nodes: Nodes;
  readonly seed: number;
  /** How often each kind of mishap happens. */
  readonly rounds: number;
  readonly users?: number;
  /** How long a mishap lasts. */
  readonly holdMs?: { readonly min: number; readonly max: number };
  /** How long a stopped process is stopped. */
  readonly pauseMs?: number;
  /** Kills the bus at the start, and never starts it again. */
  readonly isBusDead?: boolean;
  /** How soon after the faults each accepted message must be everywhere; default: O10's 5 s. */
  readonly liveMsMax?: number;
  /** How soon after the faults all must be connected and answered; default: R9's 30 s. */
  readonly recoveryMsMax?: number;
  readonly say?: (text: string) => void;
};

export type TrialVerdict = {
  readonly faults: readonly Fault[];
  /** Faults that a log of sightings cannot show: silence, contradicting answers, forbidden frames. */
  readonly complaints: readonly string[];
  readonly facts: Readonly<Record<string, number>>;
};

/** The longest time of a database call: src/store/engine/remote.ts. */
const deadlineMs = 10_000;
const breathMs = { min: 100, max: 400 } as const;

/** The mishaps in tracks: one at a time in each track, the tracks beside each other. */
function mishapsOf(
  { all, nats, sqld }: Nodes,
  chance: Chance,
  { isBusDead, isLong }: { readonly isBusDead: boolean; readonly isLong: boolean },
): readonly Readonly<Record<string, () => Mishap>>[] {
  const bus: Record<string, () => Mishap> = {
    "bus killed": () => ({ begin: () => nats?.signal("SIGKILL"), end: () => nats?.restart() }),
    "bus paused": () => ({ begin: () => nats?.signal("SIGSTOP"), end: () => nats?.signal("SIGCONT"), isPause: true }),
    "bus partitioned": () => {
      const { bus: link } = chance.pick(all);
      return { begin: () => link.cut(), end: () => link.mend() };
    },
    "bus stalled": () => {
      const { bus: link } = chance.pick(all);
      return { begin: () => link.stall(), end: () => link.mend() };
    },
  };
  const rest: Record<string, () => Mishap> = {
    "node killed": () => {
      const node = chance.pick(all);
      return { begin: () => node.kill9(), end: () => node.replace() };
    },
    "node paused": () => {
      const node = chance.pick(all);
      return { begin: () => node.pause(), end: () => node.wake(), isPause: true };
    },
    "database killed": () => ({ begin: () => sqld.kill("SIGKILL"), end: () => sqld.restart() }),
    "database cut": () => {
      const { database } = chance.pick(all);
      return { begin: () => database.cut(), end: () => database.mend() };
    },
    "database stalled": () => {
      const { database } = chance.pick(all);
      return { begin: () => database.stall(), end: () => database.mend(), isPause: true };
    },
    "database stalled for all": () => ({
      begin: () => all.forEach(({ database }) => database.stall()),
      end: () => all.forEach(({ database }) => database.mend()),
      isPause: true,
    }),
    ...(isLong && {
      "database lost": () => {
        const { database } = chance.pick(all);
        return { begin: () => database.lose(), end: () => database.mend(), isPause: true, echoMs: deadlineMs };
      },
    }),
    "database slow": () => {
      const { database } = chance.pick(all);
      const ms = chance.between(20, 150);
      return { begin: () => database.delay(ms), end: () => database.mend() };
    },
  };
  return isBusDead ? [rest] : [bus, rest];
}

/** Users write to each other through all nodes during faults; then the faults end, and everything is judged. */
export async function runTrial(options: TrialOptions): Promise<TrialVerdict> {
  const {
    nodes,
    seed,
    rounds,
    users = 5,
    holdMs = { min: 200, max: 900 },
    pauseMs = 1_500,
    liveMsMax = 5_000,
    recoveryMsMax = 30_000,
  } = options;
  const chance = createChance(seed);
  const isBusDead = options.isBusDead ?? nodes.nats === undefined;
  const events: Event[] = [];
  const log = (event: Event): void => void events.push(event);
  const urls = nodes.all.map(({ url }) => url);
  const crowd = createCrowd({ users, urls, chance: chance.fork("crowd"), log });
  const race = createRace({ urls, log });
  const complaints: string[] = [];
  let mishaps = 0;

  async function suffer(
    kind: string,
    draw: Chance,
    { begin, end, isPause = false, echoMs = 0 }: Mishap,
  ): Promise<void> {
    options.say?.(kind);
    await begin();
    await Bun.sleep(isPause ? pauseMs : draw.between(holdMs.min, holdMs.max));
    await end();
    mishaps++;
    await Bun.sleep(echoMs + draw.between(breathMs.min, breathMs.max));
  }

  async function follow(track: Readonly<Record<string, () => Mishap>>, draw: Chance): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      let left = Object.keys(track);
      while (left.length > 0) {
        const kind = draw.pick(left);
        left = left.filter((other) => other !== kind);
        const mishap = track[kind]?.();
        if (mishap) await suffer(kind, draw, mishap);
      }
    }
  }

  try {
    await crowd.ready();
    if (isBusDead) await nodes.nats?.signal("SIGKILL");
    await Promise.all(
      mishapsOf(nodes, chance, { isBusDead, isLong: pauseMs >= deadlineMs }).map((track, i) =>
        follow(track, chance.fork(`track ${i}`)),
      ),
    );
    await crowd.finish({ recoveryMsMax, liveMsMax });
    await race.finish();
  } catch (error) {
    // A server that does not start again, or a client that waits in vain, is a finding too.
    complaints.push(error instanceof Error ? error.message : String(error));
    await crowd.end();
    await race.end();
  }
  return {
    faults: judge(events),
    complaints: [...crowd.complaints, ...race.complaints, ...complaints],
    facts: { ...crowd.facts, ...race.facts, mishaps, events: events.length },
  };
}
