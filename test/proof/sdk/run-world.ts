import { type Chance, createChance } from "../sim/chance.ts";
import type { SimDatabase, Truth } from "../sim/database.ts";
import { digestAtOnce } from "../sim/instant-digest.ts";
import { operations } from "./operations.ts";
import { judgeComposers, judgeDisks, judgeTexts, judgeViews, unfinished } from "./judge.ts";
import { converse } from "./converse.ts";
import {
  createSdkWorld,
  drawSdkFaults,
  type SdkPlan,
  type SdkWorld,
  type SdkWorldOptions,
  type Trace,
} from "./world.ts";

export type SdkVerdict = {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly written: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly facts: Readonly<Record<string, number>>;
};

/** Clients have sent and read everything within this time after the last fault. */
const recoverMsMax = 120_000;
const lookMs = 1_000;
/** A request that got lost is given up after 15 s, and may hold up those behind it until then. */
const lostMs = 16_000;

/** Draws the world of a seed: in each, some operations never happen, and others often. */
export function drawSdkPlan(seed: number): SdkPlan {
  const chance = createChance(seed).fork("sdk");
  const kinds = Object.entries(operations);
  const weights = kinds.map(([name, { weight }]) =>
    name !== "write" && chance.hits(0.35) ? 0 : weight * (0.3 + 2 * chance.unit()),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const draw = (): string => {
    let at = chance.unit() * total;
    return (
      kinds[
        Math.max(
          weights.findIndex((weight) => (at -= weight) < 0),
          0,
        )
      ]?.[0] ?? "write"
    );
  };
  const size = chance.pick([10, 20, 40, 80]);
  const spanMs = size * chance.pick([20, 80, 300]);
  return {
    seed,
    faults: drawSdkFaults(chance.fork("faults")),
    loses: chance.pick([0, 0.05, 0.3]),
    nodes: chance.pick([1, 1, 2]),
    users: ["alice", "bob", "carol"].slice(0, chance.between(2, 3)),
    browsers: chance.pick([1, 1, 2]),
    spanMs,
    operations: Array.from({ length: size }, () => ({
      at: chance.unit() * spanMs,
      kind: draw(),
      seed: chance.between(0, 2 ** 31),
    })).toSorted((a, b) => a.at - b.at),
  };
}

/** One world: first faults on both sides, then none; then everything that was kept must be on every screen, once and in order. */
export async function runSdkWorld(plan: SdkPlan, database: SimDatabase, trace?: Trace): Promise<SdkVerdict> {
  const giveBack = digestAtOnce();
  try {
    return await run({ plan, database, ...(trace && { trace }) });
  } finally {
    giveBack();
  }
}

async function run(options: SdkWorldOptions): Promise<SdkVerdict> {
  const { plan, database } = options;
  await database.reset([]);
  const world = createSdkWorld(options);
  const { timeline } = world;
  let steps = 0;
  world.start();
  for (const { at, kind, seed } of plan.operations)
    void timeline.after(at, () => operations[kind]?.act(world, createChance(seed)));
  steps += timeline.runUntil(plan.spanMs);
  world.rest();
  const end = timeline.now() + recoverMsMax;
  let missing: string | null = "nothing was looked at";
  while (missing !== null && timeline.now() < end) {
    steps += timeline.runUntil(timeline.now() + lookMs);
    missing = unfinished(world, await database.truth());
  }
  if (missing !== null) world.problem("J10", `${recoverMsMax} ms after the last fault ${missing}`);
  if (missing === null) missing = await converse(world, database);
  for (const browser of world.browsers) world.watch.snapshot(browser);
  const truth: Truth = await database.truth();
  judgeTexts(world, truth);
  judgeDisks(world, truth);
  if (missing === null) judgeComposers(world, truth);
  if (missing === null) steps += showAll(world);
  judgeViews(world, await database.truth());
  const virtualMs = timeline.now();
  world.end();
  return {
    seed: plan.seed,
    problems: world.problems,
    written: world.written.length,
    steps,
    virtualMs,
    facts: world.facts,
  };
}

/** Every tab scrolls through everything. */
function showAll(world: SdkWorld): number {
  let steps = world.timeline.runUntil(world.timeline.now() + lostMs);
  for (let round = 0; round < 12; round++) {
    for (const { tabs, user } of world.browsers)
      for (const tab of tabs)
        for (const other of world.plan.users)
          if (other !== user)
            tab.process.run(() => (round === 0 ? tab.thread(other).jump("newest") : tab.thread(other).loadBefore()));
    steps += world.timeline.runUntil(world.timeline.now() + 300);
  }
  return steps;
}

export type { Chance };
