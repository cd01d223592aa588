import type { SimDatabase } from "./database.ts";
import { followersOf } from "./feature/follow.ts";
import { countRevocations } from "./feature/revocations.ts";
import { features } from "./features.ts";
import { createChance } from "./chance.ts";
import { digestAtOnce } from "./instant-digest.ts";
import type { Plant } from "./node.ts";
import type { Plan } from "./plan.ts";
import { createWorld, type World } from "./world.ts";

export type Verdict = {
  readonly seed: number;
  /** What was wrong, each with its rule; an empty list: nothing. */
  readonly problems: readonly string[];
  readonly accepted: number;
  readonly seen: number;
  readonly steps: number;
  readonly virtualMs: number;
  /** What else happened, counted. */
  readonly facts: Readonly<Record<string, number>>;
};

/** Clients notice a dead connection, come back and have read everything within so long after the last fault. */
const recoverMsMax = 13_000;
/** A message reaches everybody who is connected within so long, also with a dead bus (INVARIANTS O10). */
const arriveMsMax = 5_000;
/** Providers that were left alone, for they were down, are asked again; and what waits for them is told within so long. */
const tellMsMax = 30_000;
const lookMs = 500;
/** After everybody has left, the last timers of a node have run out within so long. */
const leaveMs = 8_000;
/** How often it is looked again, where one of them still holds something. */
const heldLooksMax = 6;

const kinds = new Map(features.flatMap(({ operations }) => Object.entries(operations)));

/**
 * One world from beginning to end. First everything goes wrong. Then nothing more does, and whatever was accepted must
 * reach everybody who is there; a last message of each is sent into the quiet; and everybody leaves.
 */
export async function runWorld(plan: Plan, database: SimDatabase, plant: Plant = {}): Promise<Verdict> {
  const giveBack = digestAtOnce();
  try {
    return await run(plan, database, plant);
  } finally {
    giveBack();
  }
}

async function run(plan: Plan, database: SimDatabase, plant: Plant): Promise<Verdict> {
  const everyone = plan.tenants.flatMap((tenant) => [
    ...plan.users.flatMap((user) => plan.devices.map((device) => ({ tenant, user, device }))),
    ...followersOf(plan).map((follower) => ({ tenant, ...follower })),
  ]);
  await database.reset(everyone);
  const world = createWorld({ plan, database, plant });
  const { timeline, devices, events, problems } = world;
  let steps = 0;
  world.start();
  for (const { at, kind, seed } of plan.operations)
    void timeline.after(at, () => kinds.get(kind)?.act(world, createChance(seed)));
  steps += timeline.runUntil(plan.spanMs);
  world.rest();
  await settle(recoverMsMax);
  // Before the last messages, which might make up for what was forgotten.
  await settle(tellMsMax, "late");
  const chance = createChance(plan.seed).fork("last");
  for (const device of devices)
    if (device.isTalker && !device.isGone()) device.send(chance.pick(world.othersOf(device)), world.newText(chance));
  await settle(arriveMsMax);
  await settle(tellMsMax, "late");

  await world.learnTruth();
  for (const owner of new Set(devices.map((device) => device.owner)))
    events.push({ type: "history", user: owner, messages: world.truth(owner) });
  for (const device of devices)
    if (!device.isTalker && !device.isGone())
      events.push({ type: "drained", reader: device.reader, user: device.owner });
  for (const { invariants } of features)
    for (const { rule, check } of invariants) for (const text of check(world)) problems.push(`${rule} ${text}`);

  world.leave();
  steps += timeline.runUntil(timeline.now() + leaveMs);
  // Something may just be under way, such as a notification at the end of somebody's quiet hours: that is over soon, and a leak is not.
  for (let looks = 0; looks < heldLooksMax && heldBy(world).length > 0; looks++)
    steps += timeline.runUntil(timeline.now() + lookMs);
  problems.push(...heldBy(world));
  world.end();
  return {
    seed: plan.seed,
    problems,
    accepted: events.filter(({ type }) => type === "accepted").length,
    seen: events.filter(({ type }) => type === "seen").length,
    steps,
    virtualMs: timeline.now(),
    facts: {
      restores: world.histories.generation(),
      "named by nodes": world.histories.renamedByNodes(),
      revocations: countRevocations(world),
      "worlds with slow reads": (plan.faults.slowReads ?? 0) > 0 ? 1 : 0,
    },
  };

  async function settle(withinMs: number, of: "missing" | "late" = "missing"): Promise<void> {
    const end = timeline.now() + withinMs;
    let missing = await whatIsMissing(world, of);
    while (missing !== null && timeline.now() < end) {
      steps += timeline.runUntil(timeline.now() + lookMs);
      missing = await whatIsMissing(world, of);
    }
    if (missing !== null) problems.push(`O10 after ${withinMs} ms without faults ${missing}`);
  }
}

/** What nodes remember of those who have left. */
const heldBy = (world: World): readonly string[] =>
  world
    .held()
    .flatMap((sizes) =>
      Object.entries(sizes).flatMap(([name, size]) => (size === 0 ? [] : [`H11 ${name} still holds ${size}`])),
    );

/** What is still under way; null where everybody has everything. Whether it is right, the invariants say. */
async function whatIsMissing(world: World, of: "missing" | "late"): Promise<string | null> {
  const here = world.devices.filter((device) => !device.isGone());
  for (const device of here) {
    if (!device.isConnected()) return `${device.reader} is not connected`;
    if (device.waiting() > 0) return `${device.reader} has ${device.waiting()} sends without an answer`;
  }
  await world.learnTruth();
  for (const device of here) {
    const [have, want] = [device.rows().size, world.truth(device.owner).length];
    if (have !== want) return `${device.reader} has ${have} of ${want} messages`;
  }
  for (const { missing, late } of features) {
    const [text] = [...(missing?.(world) ?? []), ...((of === "late" && late?.(world)) || [])];
    if (text !== undefined) return text;
  }
  return null;
}
