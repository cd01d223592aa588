import type { Chance } from "../chance.ts";
import type { Backup } from "../database.ts";
import type { Feature } from "../feature.ts";
import type { World } from "../world.ts";

/** How the history that a restore begins gets its name. */
type Way = "named at once" | "named later" | "not named";

const lookMs = 500;
/** A world's backups. */
const kept = new WeakMap<World, Backup[]>();

function backupsOf(world: World): Backup[] {
  const backups = kept.get(world) ?? [];
  kept.set(world, backups);
  return backups;
}

const backUp = async (world: World): Promise<void> => void backupsOf(world).push(await world.backUp());

/** Whether a living node can see that the database went back. */
function isSeen(world: World): boolean {
  const gap = world.histories.gap();
  return (
    gap !== null && !world.histories.isUnclear() && world.processes().some((each) => world.histories.isAware(each, gap))
  );
}

/** Names the history once the nodes that could see the restore are gone, or can no longer see it. */
function watchOver(world: World): void {
  if (world.histories.gap() === null) return;
  if (isSeen(world)) void world.timeline.after(lookMs, () => watchOver(world));
  else void name(world);
}

/** `tidings epoch new`. */
async function name(world: World): Promise<void> {
  if (world.histories.gap() !== null) await world.histories.rename();
}

async function restore(world: World, chance: Chance, way: Way): Promise<void> {
  const backups = backupsOf(world);
  if (backups.length === 0) return await backUp(world);
  const backup = chance.hits(0.7) ? backups.at(-1) : chance.pick(backups);
  if (!backup) return;
  const isTwice = chance.hits(0.2);
  await putBack(world, chance, way, backup);
  if (isTwice) void world.timeline.after(chance.between(0, 400), () => void putBack(world, chance, way, backup));
}

/** Restores a backup, and makes sure that its history gets a name. */
async function putBack(world: World, chance: Chance, way: Way, backup: Backup): Promise<void> {
  await world.restore(backup, way === "named at once");
  if (way === "named at once") return;
  // Where no node can see it an administrator must name it, as the page on backups asks.
  if (way === "named later" || !isSeen(world))
    void world.timeline.after(chance.between(10, 2_000), () => void name(world));
  else watchOver(world);
}

const act = (way: Way) => (world: World, chance: Chance) => void restore(world, chance, way);

/** A history without a name of its own, though a node could see the restore. */
function unnamed(world: World): readonly string[] {
  const gap = world.histories.gap();
  if (gap === null) return [];
  return [`the database went back to ${gap.n} of ${gap.epoch}, and has no new name`];
}

/** Devices that are still served from a history which has ended. */
const strays = (world: World): readonly string[] =>
  world.devices
    .filter((device) => !device.isGone() && device.isConnected() && !world.histories.isOfNow(device.history()))
    .map((device) => `${device.reader} is served from ${device.history()}, which has ended`);

/** Backups that are put back under running nodes. */
export const restores: Feature = {
  name: "restores",
  operations: {
    "back up": { weight: 3, act: (world) => void backUp(world) },
    "restore, named at once": { weight: 1, act: act("named at once") },
    "restore, named later": { weight: 1, act: act("named later") },
    "restore, not named": { weight: 1.5, act: act("not named") },
  },
  missing: (world) => [...unnamed(world), ...strays(world)],
  invariants: [
    { rule: "D32", check: unnamed },
    { rule: "D31", check: strays },
  ],
};
