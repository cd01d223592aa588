import { levelMax } from "../../../src/log/log-kinds.ts";
import type { Event, Sighting } from "../checker/checker.ts";
import { type Chance, createChance, randomOf } from "./chance.ts";
import type { Backup, Logged, SimDatabase, Truth } from "./database.ts";
import { createDevice, type SimDevice } from "./device.ts";
import { createFakeBus } from "./fake-bus.ts";
import { calm } from "./faults.ts";
import { features } from "./features.ts";
import { createHistories } from "./histories.ts";
import { createNode, type Plant, type Session, type SimNode } from "./node.ts";
import type { Plan } from "./plan.ts";
import { type SimProcess, startTime } from "./process.ts";
import { emptyPushTruth } from "./push-truth.ts";
import { createTimeline } from "./timeline.ts";

const restartMs = 300;

/** A device got `reset`: from here on it has its user's history up to `n`. */
export type Floor = { readonly type: "floor"; readonly reader: string; readonly owner: string; readonly n: number };

/**
 * An event, and the generation of the history at that time. `name`: the server's name for the history, where it gave one; `since`: the earliest
 * generation that it may belong to.
 */
export type Recorded = {
  readonly event: Event | Floor;
  readonly generation: number;
  readonly since: number;
  readonly name: string | null;
};

/** See {@link Recorded}. */
type Where = { readonly name?: string | null; readonly since?: number };

export type WorldOptions = { readonly plan: Plan; readonly database: SimDatabase; readonly plant?: Plant };

/** The world of a plan: nodes, clients and the links between them. Its timeline drives it. */
export function createWorld({ plan, database, plant = {} }: WorldOptions) {
  const timeline = createTimeline();
  const chance = createChance(plan.seed);
  const random = randomOf(chance.fork("ids"));
  const events: Event[] = [];
  const problems: string[] = [];
  const problem = (rule: string, text: string): void => void problems.push(`${rule} ${text}`);
  const histories = createHistories({ database, random: randomOf(chance.fork("histories")), problem });
  const records: Recorded[] = [];
  const people = new Map<string, readonly string[]>();
  let faults = plan.faults;
  let isAtRest = false;
  /** Nodes that stay dead. */
  const buried = new Set<number>();
  let truth: Truth | null = null;
  let texts = 0;
  const bus = createFakeBus(timeline, chance.fork("bus"), () => faults);
  const nodes: (SimNode | null)[] = Array.from({ length: plan.nodes }, () => null);
  const devices: SimDevice[] = [];

  function boot(i: number): void {
    const node = createNode({
      timeline,
      chance: chance.fork(`node ${i} ${timeline.now()}`),
      engine: database.engine,
      histories,
      isRemote: plan.engine === "remote",
      isSwept: plan.operations.some(({ kind }) => kind === "not seen for long"),
      bus,
      faults: () => faults,
      plant,
      equip: (process) => features.flatMap(({ equip }) => (equip ? [equip(world, process)] : [])),
    });
    nodes[i] = node;
    // A node exits when its first reads fail; a supervisor starts it again.
    node.chat.ready().catch(() => {
      if (!node.process.isDead()) replace(i, () => node.kill());
    });
  }

  function replace(i: number, end: () => void): void {
    nodes[i] = null;
    end();
    void timeline.after(restartMs, () => nodes[i] === null && !buried.has(i) && boot(i));
  }

  function endNode(pick: Chance, end: (node: SimNode) => void): void {
    const i = pick.between(0, nodes.length - 1);
    const node = nodes[i];
    if (node) replace(i, () => end(node));
  }

  const world = {
    timeline,
    devices,
    events,
    problems,
    plan,
    histories,
    /** Whether this world's database is ever restored. */
    isRestorable: plan.operations.some(({ kind }) => kind.startsWith("restore")),
    log(event: Event, where: Where = {}): void {
      events.push(event);
      world.record(event, where);
    },
    /** Records an event that counts only where there is more than one history. */
    record(event: Event | Floor, { name = null, since = histories.generation() }: Where = {}): void {
      if (world.isRestorable) records.push({ event, generation: histories.generation(), since, name });
    },
    records: (): readonly Recorded[] => records,
    problem,
    /** The complete content of the database now. */
    readTruth: (): Promise<Truth> => database.truth(),
    /** Lets devices of a user not have been seen for very long. */
    age: (owner: string, names: readonly string[]): Promise<void> => database.age(owner, names),
    backUp: (): Promise<Backup> => database.backUp(),
    /** Restores the database. */
    async restore(backup: Backup, isNamed: boolean): Promise<void> {
      const restored = await histories.restore(backup, isNamed);
      for (const feature of features) feature.restored?.(world, restored);
    },
    /** The sockets of the living nodes. */
    sessions: (): readonly Session[] =>
      nodes.flatMap((node) => (node && !node.process.isDead() ? node.sessions() : [])),
    /** The living processes, paused ones too. */
    processes: (): readonly SimProcess[] =>
      nodes.flatMap((node) => (node && !node.process.isDead() ? [node.process] : [])),
    faults: () => faults,
    newId: (): string => random.messageId(startTime + Math.floor(timeline.now())),
    newText: (pick: Chance, bytes = pick.pick([0, 10, 10, 300, 300, 3_000])): string =>
      `${texts++} ${"x".repeat(bytes)}`,
    /** A node that takes connections; null: there is none. */
    pickNode(pick: Chance): SimNode | null {
      const up = nodes.filter((node) => node !== null && !node.process.isDead());
      return up.length === 0 ? null : pick.pick(up);
    },
    killNode: (pick: Chance): void => endNode(pick, (node) => node.kill()),
    /** A node by its process, while it lives. */
    killNodeOf(process: SimProcess): void {
      const i = nodes.findIndex((node) => node?.process === process);
      const node = nodes[i];
      if (node) replace(i, () => node.kill());
    },
    stopNode: (pick: Chance): void => endNode(pick, (node) => void node.stop()),
    othersOf: ({ user }: SimDevice): readonly string[] => plan.users.filter((other) => other !== user),
    /** Notes the users of a conversation, as a device has seen them. */
    learn: (conversation: string, users: readonly string[]): void => void people.set(conversation, users),
    /** The other user of this message's conversation; null while unknown. */
    recipientOf: ({ conversation, from }: Sighting): string | null =>
      people.get(conversation)?.find((user) => !from.endsWith(`/${user}`)) ?? null,
    /** Whether faults have ended. */
    isResting: (): boolean => isAtRest,
    /** A user's log, from the database; once the world is at rest. */
    truth: (owner: string): readonly Logged[] => truth?.historyOf(owner) ?? [],
    /** The log of each history; once the world is at rest. */
    truths: (): readonly Truth[] => (truth === null ? [] : histories.truths(truth)),
    peopleOf: (conversation: string): readonly string[] => truth?.peopleOf(conversation) ?? [],
    relationsOf: (owner: string): ReturnType<Truth["relationsOf"]> =>
      truth?.relationsOf(owner) ?? new Map<string, never>(),
    settingsOf: (owner: string): ReturnType<Truth["settingsOf"]> =>
      truth?.settingsOf(owner) ?? new Map<string, never>(),
    marks: (): Truth["marks"] => truth?.marks ?? new Map<string, never>(),
    push: (): Truth["push"] => truth?.push ?? emptyPushTruth,
    /** A separate seeded chance, by its name. */
    chance: (name: string): Chance => chance.fork(name),

    start(): void {
      for (let i = 0; i < plan.nodes; i++) boot(i);
      for (const device of devices)
        device.start(features.flatMap(({ model }) => (model ? [model(device, world)] : [])));
    },
    /** Ends all faults; some nodes and clients stay dead, and the others must manage without. */
    rest(): void {
      isAtRest = true;
      faults = calm(faults);
      const core = chance.fork("core");
      const survivor = core.between(0, nodes.length - 1);
      for (const [i, node] of nodes.entries()) {
        if (i !== survivor && core.hits(0.3)) {
          buried.add(i);
          node?.kill();
          nodes[i] = null;
        }
        node?.process.resume();
        node?.cutOff(0);
      }
      // At least one device of each user lives on, and talks.
      for (const device of devices) if (!device.isTalker && core.hits(0.1)) device.end();
      for (const device of devices) device.release();
    },
    async learnTruth(): Promise<Truth> {
      truth = await database.truth();
      return truth;
    },
    /** All devices leave. */
    leave(): void {
      for (const device of devices) device.end();
    },
    /** The clocks of the living nodes. */
    clocks: (): readonly number[] =>
      nodes.flatMap((node) => (node && !node.process.isDead() ? [node.process.clock.now()] : [])),
    /** The sizes of everything that the living nodes hold, by name. */
    held(): readonly Record<string, number>[] {
      return nodes.flatMap((node) => (node && !node.process.isDead() ? [{ ...node.chat.sizes() }] : []));
    },
    end(): void {
      for (const node of nodes) node?.kill();
    },
  };

  for (const tenant of plan.tenants)
    for (const user of plan.users)
      for (const name of plan.devices)
        devices.push(
          createDevice({
            world,
            chance: chance.fork(`${tenant}/${user}/${name}`),
            ...{ tenant, user, name },
            isTalker: name !== "listener",
            // Some are of an older release.
            level: (plan.seed + devices.length) % 4 === 0 ? 1 : levelMax,
          }),
        );
  return world;
}

export type World = ReturnType<typeof createWorld>;
