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
  /** The violations, each with its rule. */
  readonly problems: readonly string[];
  readonly accepted: number;
  readonly seen: number;
  readonly steps: number;
  readonly virtualMs: number;
  /** Counts of other events. */
  readonly facts: Readonly<Record<string, number>>;
};

/** Clients notice a dead connection, reconnect and have read everything within this time after the last fault. */
const recoverMsMax = 13_000;
/** A message reaches every connected recipient within this time, also with a dead bus (INVARIANTS O10). */
const arriveMsMax = 5_000;
/** Providers that were down are asked again, and the waiting notifications are sent, within this time. */
const notifyMsMax = 30_000;
const lookMs = 500;
/** After everyone has left, the last timers of a node have run out within this time. */
const leaveMs = 8_000;
/** How often to look again where a node still holds something. */
const heldLooksMax = 6;

const kinds = new Map(features.flatMap(({ operations }) => Object.entries(operations)));

export type RunOptions = {
  readonly plant?: Plant;
  /** Once a problem is of this kind no further phase of the world begins. Default: all do. */
  readonly isEnough?: (problem: string) => boolean;
};

/**
 * One world from beginning to end. First there are faults. Then they end, and every accepted message must reach every user
 * who is there; each sends a last message; and everyone leaves.
 */
export async function runWorld(plan: Plan, database: SimDatabase, options: RunOptions = {}): Promise<Verdict> {
  const giveBack = digestAtOnce();
  try {
    return await run(plan, database, options);
  } finally {
    giveBack();
  }
}

async function run(
  plan: Plan,
  database: SimDatabase,
  { plant = {}, isEnough = () => false }: RunOptions,
): Promise<Verdict> {
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
  const phases: readonly (() => void | Promise<void>)[] = [
    () => {
      steps += timeline.runUntil(plan.spanMs);
      world.rest();
    },
    () => settle(recoverMsMax),
    // Before the last messages, which might hide that one was forgotten.
    () => settle(notifyMsMax, "late"),
    sendLast,
    () => settle(arriveMsMax),
    () => settle(notifyMsMax, "late"),
    judge,
  ];
  for (const phase of phases) if (!problems.some(isEnough)) await phase();

  world.leave();
  steps += timeline.runUntil(timeline.now() + leaveMs);
  // A notification at the end of quiet hours may be under way: that ends soon, and a leak does not.
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

  function sendLast(): void {
    const chance = createChance(plan.seed).fork("last");
    for (const device of devices)
      if (device.isTalker && !device.isGone()) device.send(chance.pick(world.othersOf(device)), world.newText(chance));
  }

  async function judge(): Promise<void> {
    await world.learnTruth();
    for (const owner of new Set(devices.map((device) => device.owner)))
      events.push({ type: "history", user: owner, messages: world.truth(owner) });
    for (const device of devices)
      if (!device.isTalker && !device.isGone())
        events.push({ type: "drained", reader: device.reader, user: device.owner });
    for (const { invariants } of features)
      for (const { rule, check } of invariants) for (const text of check(world)) problems.push(`${rule} ${text}`);
  }

  async function settle(withinMs: number, of: "missing" | "late" = "missing"): Promise<void> {
    const end = timeline.now() + withinMs;
    let missing = await findMissing(world, of);
    while (missing !== null && timeline.now() < end) {
      steps += timeline.runUntil(timeline.now() + lookMs);
      // The driver gives the files of connections that were closed back between two turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      missing = await findMissing(world, of);
    }
    if (missing !== null) problems.push(`O10 after ${withinMs} ms without faults ${missing}`);
  }
}

/** The nodes' memory of users who have left. */
const heldBy = (world: World): readonly string[] =>
  world
    .held()
    .flatMap((sizes) =>
      Object.entries(sizes).flatMap(([name, size]) => (size === 0 ? [] : [`H11 ${name} still holds ${size}`])),
    );

/** Unfinished work; null where everyone has everything. The invariants judge whether it is right. */
async function findMissing(world: World, of: "missing" | "late"): Promise<string | null> {
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
