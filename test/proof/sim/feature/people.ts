import { ask } from "../ask.ts";
import { blocksIn } from "../blocks.ts";
import type { Chance } from "../chance.ts";
import type { SimDevice } from "../device.ts";
import type { Feature, Model } from "../feature.ts";
import type { World } from "../world.ts";

type Relation = { readonly contact: boolean; readonly blocked: boolean };
type Presence = { readonly state: "online" | "offline"; readonly lastSeen?: number };

/** One device's knowledge: its user's relations, the watched users, and their presence. */
type Known = { readonly relations: Map<string, Relation>; watched: readonly string[]; presence: Map<string, Presence> };

/** The confirmed relations of a world's users, and the requests without an answer: by pair, the relation that they change. */
type Relations = {
  readonly confirmed: Map<string, Relation>;
  readonly waiting: Map<string, keyof Relation>;
  isLifted: boolean;
};

const devices = new WeakMap<SimDevice, Known>();
const worlds = new WeakMap<World, Relations>();
const retryMs = 200;
const nothing: Relation = { contact: false, blocked: false };

function relationsIn(world: World): Relations {
  const relations = worlds.get(world) ?? { confirmed: new Map(), waiting: new Map(), isLifted: false };
  worlds.set(world, relations);
  return relations;
}

/** Changes a relation, and repeats the request until it is answered, as any client would. */
async function change(
  world: World,
  chance: Chance,
  device: SimDevice,
  other: string,
  to: Partial<Relation>,
): Promise<void> {
  const { confirmed: all, waiting } = relationsIn(world);
  const key = `${device.owner} ${other}`;
  // One after the other, so that the last one is known.
  if (waiting.has(key)) return;
  const isBlock = to.blocked !== undefined;
  waiting.set(key, isBlock ? "blocked" : "contact");
  const blocks = blocksIn(world);
  const them = `${device.tenant}/${other}`;
  const [name, holds] = isBlock ? ["blocks", to.blocked] : ["contacts", to.contact];
  if (isBlock) blocks.issue(device.owner, them, holds === true, world.timeline.now());
  for (let tries = 0; ; tries++) {
    const answer = await ask(world, chance.fork(`try ${tries}`), device, `/${name}/${other}`, {
      method: holds ? "PUT" : "DELETE",
    });
    if (answer) break;
    await world.timeline.sleep(retryMs);
  }
  if (isBlock) blocks.confirm(device.owner, them, holds === true, world.timeline.now());
  all.set(key, { ...(all.get(key) ?? nothing), ...to });
  waiting.delete(key);
}

function model(device: SimDevice): Model {
  const known: Known = { relations: new Map(), watched: [], presence: new Map() };
  devices.set(device, known);
  return {
    connected: () => void (known.presence = new Map()),
    reset(truth) {
      known.relations.clear();
      for (const [other, relation] of truth.relationsOf(device.owner)) known.relations.set(other, relation);
    },
    frame(frame) {
      if (frame.type === "welcome" && known.watched.length > 0)
        device.sendFrame({ type: "watch", users: known.watched });
      if (frame.type === "presence") known.presence.set(frame.user, frame);
      if (frame.type !== "changes") return;
      for (const change of frame.changes)
        if (change.kind === "relation")
          known.relations.set(change.user, { contact: change.contact, blocked: change.blocked });
    },
  };
}

const act = (name: "contact" | "blocked", odds: number) => (world: World, chance: Chance) => {
  const device = chance.pick(world.devices);
  void change(world, chance, device, chance.pick(world.othersOf(device)), { [name]: chance.hits(odds) });
};

/** Half of the worlds end without a block: then everything hidden must come. */
function lift(world: World): void {
  const relations = relationsIn(world);
  if (!world.isResting() || relations.isLifted || relations.waiting.size > 0) return;
  relations.isLifted = true;
  if (world.plan.seed % 2 === 1) return;
  for (const device of world.devices)
    for (const other of world.othersOf(device))
      if (relations.confirmed.get(`${device.owner} ${other}`)?.blocked)
        void change(world, world.chance(`lift ${device.owner} ${other}`), device, other, { blocked: false });
}

const text = (relations: ReadonlyMap<string, Relation>): string =>
  JSON.stringify(
    [...relations]
      .filter(([, { contact, blocked }]) => contact || blocked)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([other, { contact, blocked }]) => [other, contact, blocked]),
  );

/** Every device, and the database, has the relations that its user has set. */
function unsaved(world: World): readonly string[] {
  const { confirmed } = relationsIn(world);
  return world.devices.flatMap((device) => {
    const mine = new Map(
      world.othersOf(device).map((other) => [other, confirmed.get(`${device.owner} ${other}`) ?? nothing]),
    );
    const [wanted, stored] = [text(mine), text(world.relationsOf(device.owner))];
    if (wanted !== stored) return [`${device.owner} has set ${wanted}, stored is ${stored}`];
    if (device.isGone()) return [];
    const had = text(devices.get(device)?.relations ?? new Map<string, Relation>());
    return had === stored ? [] : [`${device.reader} knows ${had}, stored is ${stored}`];
  });
}

/** The presence of a watched user; null: another node knows it, and nodes do not share it yet. */
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
      const [state, seen] = [stateOf(world, device, user), known.presence.get(user)];
      if (state === null) return [];
      const isRight =
        seen !== undefined && (state === "hidden" ? seen.state === "offline" && !seen.lastSeen : seen.state === state);
      return isRight ? [] : [`${device.reader} saw ${user} as ${JSON.stringify(seen)}, not ${state}`];
    });
  });
}

/** Contacts, blocks, and the presence of users who may see each other. */
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
        device.sendFrame({ type: "watch", users: known.watched });
      },
    },
  },
  model,
  restored(world, truth) {
    const { confirmed, waiting } = relationsIn(world);
    for (const device of world.devices)
      for (const other of world.othersOf(device)) {
        const [key, them] = [`${device.owner} ${other}`, `${device.tenant}/${other}`];
        const stored = truth.relationsOf(device.owner).get(other) ?? nothing;
        confirmed.set(key, stored);
        // A client that waits for the answer to a contact does not repeat a block.
        const isWaiting = waiting.get(key) === "blocked";
        blocksIn(world).restore(device.owner, them, stored.blocked, isWaiting, world.timeline.now());
      }
  },
  missing(world) {
    lift(world);
    const { waiting } = relationsIn(world);
    return [
      ...[...waiting.keys()].map((key) => `${key} waits for an answer`),
      ...unsaved(world),
      ...wrongPresence(world),
    ];
  },
  invariants: [
    { rule: "B1", check: unsaved },
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
