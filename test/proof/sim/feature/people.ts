import { ask } from "../ask.ts";
import { blocksIn } from "../blocks.ts";
import type { Chance } from "../chance.ts";
import type { SimDevice } from "../device.ts";
import type { Feature, Model } from "../feature.ts";
import type { World } from "../world.ts";

type Said = { readonly contact: boolean; readonly blocked: boolean };
type Told = { readonly state: "online" | "offline"; readonly lastSeen?: number };

/** What one device knows: what its user has said of others, whom it watches, and how they are. */
type Known = { readonly relations: Map<string, Said>; watched: readonly string[]; told: Map<string, Told> };

/** What people of a world have said, once it was answered; and of whom, and to what, they still wait for an answer. */
type Spoken = { readonly said: Map<string, Said>; readonly waiting: Map<string, keyof Said>; isLifted: boolean };

const devices = new WeakMap<SimDevice, Known>();
const worlds = new WeakMap<World, Spoken>();
const retryMs = 200;
const nothing: Said = { contact: false, blocked: false };

function spokenIn(world: World): Spoken {
  const spoken = worlds.get(world) ?? { said: new Map(), waiting: new Map(), isLifted: false };
  worlds.set(world, spoken);
  return spoken;
}

/** Says something of another one, again and again until it is answered, as any client would. */
async function say(world: World, chance: Chance, device: SimDevice, other: string, said: Partial<Said>): Promise<void> {
  const { said: all, waiting } = spokenIn(world);
  const key = `${device.owner} ${other}`;
  // One after the other, so that it is known what was said last.
  if (waiting.has(key)) return;
  const isBlock = said.blocked !== undefined;
  waiting.set(key, isBlock ? "blocked" : "contact");
  const blocks = blocksIn(world);
  const them = `${device.tenant}/${other}`;
  const [name, holds] = isBlock ? ["blocks", said.blocked] : ["contacts", said.contact];
  if (isBlock) blocks.issue(device.owner, them, holds === true, world.timeline.now());
  for (let tries = 0; ; tries++) {
    const answer = await ask(world, chance.fork(`try ${tries}`), device, `/${name}/${other}`, {
      method: holds ? "PUT" : "DELETE",
    });
    if (answer) break;
    await world.timeline.sleep(retryMs);
  }
  if (isBlock) blocks.confirm(device.owner, them, holds === true, world.timeline.now());
  all.set(key, { ...(all.get(key) ?? nothing), ...said });
  waiting.delete(key);
}

function model(device: SimDevice): Model {
  const known: Known = { relations: new Map(), watched: [], told: new Map() };
  devices.set(device, known);
  return {
    connected: () => void (known.told = new Map()),
    reset(truth) {
      known.relations.clear();
      for (const [other, said] of truth.relationsOf(device.owner)) known.relations.set(other, said);
    },
    frame(frame) {
      if (frame.type === "welcome" && known.watched.length > 0) device.say({ type: "watch", users: known.watched });
      if (frame.type === "presence") known.told.set(frame.user, frame);
      if (frame.type !== "changes") return;
      for (const change of frame.changes)
        if (change.kind === "relation")
          known.relations.set(change.user, { contact: change.contact, blocked: change.blocked });
    },
  };
}

const act = (name: "contact" | "blocked", odds: number) => (world: World, chance: Chance) => {
  const device = chance.pick(world.devices);
  void say(world, chance, device, chance.pick(world.othersOf(device)), { [name]: chance.hits(odds) });
};

/** Half of the worlds end without a block: then whatever was hidden must come. */
function lift(world: World): void {
  const spoken = spokenIn(world);
  if (!world.isResting() || spoken.isLifted || spoken.waiting.size > 0) return;
  spoken.isLifted = true;
  if (world.plan.seed % 2 === 1) return;
  for (const device of world.devices)
    for (const other of world.othersOf(device))
      if (spoken.said.get(`${device.owner} ${other}`)?.blocked)
        void say(world, world.chance(`lift ${device.owner} ${other}`), device, other, { blocked: false });
}

const text = (relations: ReadonlyMap<string, Said>): string =>
  JSON.stringify(
    [...relations]
      .filter(([, { contact, blocked }]) => contact || blocked)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([other, { contact, blocked }]) => [other, contact, blocked]),
  );

/** Every device has what its user has said, and so has the database. */
function untold(world: World): readonly string[] {
  const { said } = spokenIn(world);
  return world.devices.flatMap((device) => {
    const mine = new Map(
      world.othersOf(device).map((other) => [other, said.get(`${device.owner} ${other}`) ?? nothing]),
    );
    const [wanted, stored] = [text(mine), text(world.relationsOf(device.owner))];
    if (wanted !== stored) return [`${device.owner} has said ${wanted}, stored is ${stored}`];
    if (device.isGone()) return [];
    const had = text(devices.get(device)?.relations ?? new Map<string, Said>());
    return had === stored ? [] : [`${device.reader} knows ${had}, stored is ${stored}`];
  });
}

/** How one is who is watched; null: another node knows, and nodes do not tell each other yet. */
function stateOf(world: World, device: SimDevice, user: string): "online" | "hidden" | "offline" | null {
  const them = `${device.tenant}/${user}`;
  if (blocksIn(world).isBetween(device.owner, them)) return "hidden";
  const theirs = world.devices.filter((other) => other.owner === them && !other.isGone());
  if (theirs.some((other) => other.isConnected() && other.node() === device.node())) {
    const isContact = [world.relationsOf(device.owner).get(user), world.relationsOf(them).get(device.user)];
    const isKnown = isContact.some((relation) => relation?.contact) || haveTalked(world, device.owner, them);
    return isKnown ? "online" : "hidden";
  }
  return theirs.length === 0 ? "offline" : null;
}

const haveTalked = (world: World, one: string, other: string): boolean =>
  world.truth(one).some(({ conversation }) => world.peopleOf(conversation).includes(other));

function wrongPresence(world: World): readonly string[] {
  return world.devices.flatMap((device) => {
    const known = devices.get(device);
    if (!known || device.isGone() || !device.isConnected()) return [];
    return known.watched.flatMap((user) => {
      const [state, told] = [stateOf(world, device, user), known.told.get(user)];
      if (state === null) return [];
      const isRight =
        told !== undefined && (state === "hidden" ? told.state === "offline" && !told.lastSeen : told.state === state);
      return isRight ? [] : [`${device.reader} was told that ${user} is ${JSON.stringify(told)}: ${state}`];
    });
  });
}

/** Contacts, blocks, and who is told that whom is online. */
export const people: Feature = {
  name: "people",
  operations: {
    contact: { weight: 2, act: act("contact", 0.7) },
    block: { weight: 4, act: act("blocked", 0.5) },
    watch: {
      weight: 2,
      act(world, chance) {
        const device = chance.pick(world.devices);
        const known = devices.get(device);
        if (!known) return;
        known.watched = world.othersOf(device).filter(() => chance.hits(0.6));
        device.say({ type: "watch", users: known.watched });
      },
    },
  },
  model,
  restored(world, truth) {
    const { said, waiting } = spokenIn(world);
    for (const device of world.devices)
      for (const other of world.othersOf(device)) {
        const [key, them] = [`${device.owner} ${other}`, `${device.tenant}/${other}`];
        const stored = truth.relationsOf(device.owner).get(other) ?? nothing;
        said.set(key, stored);
        // Who waits to hear of a contact says nothing more of a block.
        const isWaiting = waiting.get(key) === "blocked";
        blocksIn(world).restore(device.owner, them, stored.blocked, isWaiting, world.timeline.now());
      }
  },
  missing(world) {
    lift(world);
    const { waiting } = spokenIn(world);
    return [
      ...[...waiting.keys()].map((key) => `${key} waits for an answer`),
      ...untold(world),
      ...wrongPresence(world),
    ];
  },
  invariants: [
    { rule: "B1", check: untold },
    {
      rule: "B2",
      check: (world) =>
        world.devices.flatMap((device) =>
          world
            .truth(device.owner)
            .filter(({ id, from }) => from === device.owner && device.wasRefused(id))
            .map(({ id }) => `${id} was refused as blocked, and stored`),
        ),
    },
    { rule: "B6", check: wrongPresence },
  ],
};
