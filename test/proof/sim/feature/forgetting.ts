import type { Chance } from "../chance.ts";
import type { SimDevice } from "../device.ts";
import type { Feature } from "../feature.ts";
import { forgetAddresses, wishesIn } from "../push-wishes.ts";
import type { World } from "../world.ts";
import { closesSockets } from "./revocations.ts";

/** How often a user's devices were asked to be forgotten, and how many of these requests are not answered. */
type Asked = { times: number; waiting: number };

const worlds = new WeakMap<World, Map<string, Asked>>();

function askedBy(world: World, owner: string): Asked {
  const owners = worlds.get(world) ?? new Map<string, Asked>();
  worlds.set(world, owners);
  const asked = owners.get(owner) ?? { times: 0, waiting: 0 };
  owners.set(owner, asked);
  return asked;
}

/** One that comes back lacks nothing: without a cursor of its own it would start after what its user's other devices have acked. */
const canComeBack = (device: SimDevice): boolean => !device.isGone() && device.hasCursor();

/** A client forgets one of its user's devices: its own, or another one, which is connected, replays or is away. */
async function forget(world: World, chance: Chance): Promise<void> {
  const device = chance.pick(world.devices);
  if (!canComeBack(device)) return;
  const asked = askedBy(world, device.owner);
  asked.times++;
  asked.waiting++;
  await closesSockets(world, device, () => forgetAddresses(world, chance, device));
  asked.waiting--;
}

/** Until a sweep has come to each device, on a node that lives. */
const looksMs = [500, 1_000, 2_000, 4_000, 8_000];

/** A user's devices were not seen for a very long time. Some of them come back at that moment, and others are connected all the while. */
async function age(world: World, chance: Chance): Promise<void> {
  const { owner } = chance.pick(world.devices);
  const asked = askedBy(world, owner);
  // Their own device that has acked the most may go at any moment.
  if (asked.waiting > 0) return;
  // A user's wish for no notifications is forgotten with the device.
  const { ever } = wishesIn(world);
  const old = world.devices.filter(
    (device) => device.owner === owner && canComeBack(device) && !ever.has(`off ${owner}/${device.name}`),
  );
  const names = old.filter(() => chance.hits(0.8)).map(({ name }) => name);
  const [generation, times, before] = [world.histories.generation(), asked.times, await newest()];
  await world.age(owner, names);
  for (const device of old) if (chance.hits(0.3)) device.crash();
  for (const ms of looksMs) void world.timeline.after(ms, () => void look());

  async function newest(): Promise<number> {
    return (await world.readTruth()).newestAck(owner);
  }
  async function look(): Promise<void> {
    const now = await newest();
    if (world.histories.generation() !== generation || asked.times !== times || now >= before) return;
    world.problem("S47", `${owner} had acked ${before}, and no device of theirs that is left more than ${now}`);
  }
}

/**
 * Devices that the server forgets, because a user asks for it or because they were not seen for long. They come back as new devices, with
 * their own cursors: the other features see whether they lack anything then.
 */
export const forgetting: Feature = {
  name: "forgetting",
  operations: {
    "forget a device": { weight: 3, act: (world, chance) => void forget(world, chance) },
    "not seen for long": { weight: 3, act: (world, chance) => void age(world, chance) },
  },
  // The seeds of the other worlds do not change, nor what they find.
  isIn: (seed) => seed % 8 === 2,
  invariants: [],
};
