import { ask } from "../ask.ts";
import type { Chance } from "../chance.ts";
import type { SimDevice } from "../device.ts";
import type { Feature } from "../feature.ts";
import type { World } from "../world.ts";

/**
 * Whether T7 holds: an upgrade admitted before a revocation, and a ticket bought before it, end with it, though their socket opened after it.
 * Until it does, only open sockets count.
 */
const isT7Kept = true as boolean;

/** One revocation of a user's sessions, or of one device's; with the span within which it took effect. */
type Revocation = {
  readonly tenant: string;
  readonly user: string;
  readonly device: string | undefined;
  readonly issuedAt: number;
  /** Tickets that were bought before stay valid. */
  readonly keepsTickets?: boolean;
  doneAt: number;
};

type Ended = { readonly all: Revocation[]; isQuietIssued: boolean; restingSince: number };

const worlds = new WeakMap<World, Ended>();
const retryMs = 200;
/** Nodes learn of a revocation within this time: from each other, or by polling the head. */
const notifiedMsMax = 1_000;
const polledMsMax = 2_000;
/** A node has caught up with the log this long after its last fault. */
const recoveredMsMax = 8_000;

function endedIn(world: World): Ended {
  const ended = worlds.get(world) ?? { all: [], isQuietIssued: false, restingSince: Infinity };
  worlds.set(world, ended);
  return ended;
}

const isOf = (
  { tenant, user, device }: Pick<Revocation, "tenant" | "user" | "device">,
  one: { readonly tenant: string; readonly user: string; readonly device: string },
): boolean => one.tenant === tenant && one.user === user && (device === undefined || one.device === device);

/** The host repeats it until it is stored, on another node where the first one died or failed. */
async function revoke(world: World, chance: Chance, { tenant, user, name }: SimDevice): Promise<void> {
  const device = chance.hits(0.5) ? name : undefined;
  const revocation: Revocation = { tenant, user, device, issuedAt: world.timeline.now(), doneAt: Infinity };
  endedIn(world).all.push(revocation);
  while (revocation.doneAt === Infinity) {
    const generation = world.histories.generation();
    const isStored = await tryOn(world, chance, revocation);
    // If a restore came meanwhile, it is unknown in which history it was stored.
    if (isStored && world.histories.generation() === generation) revocation.doneAt = world.timeline.now();
    else await world.timeline.sleep(retryMs);
  }
}

/** Does what ends the sockets of a device that are open by then: they are judged like those of a revocation. */
export async function closesSockets(
  world: World,
  { tenant, user, name }: SimDevice,
  end: () => Promise<boolean>,
): Promise<void> {
  const issuedAt = world.timeline.now();
  if (!(await end())) return;
  const doneAt = world.timeline.now();
  endedIn(world).all.push({ tenant, user, device: name, issuedAt, keepsTickets: true, doneAt });
}

/** A client comes back, and is revoked as soon as it has a socket, or a little later. */
function revokeAsItOpens(world: World, chance: Chance): void {
  const device = chance.pick(world.devices);
  device.crash();
  let looks = 0;
  const look = (): void => {
    const isOpening = world.sessions().some((each) => isOf({ ...device, device: device.name }, each));
    if (isOpening || looks++ > 100)
      void world.timeline.after(chance.pick([0, 1, 20]), () => void revoke(world, chance, device));
    else void world.timeline.after(5, look);
  };
  void world.timeline.after(10, look);
}

async function tryOn(world: World, chance: Chance, { tenant, user, device }: Revocation): Promise<boolean> {
  const node = world.pickNode(chance);
  if (!node?.chat.isReady()) return false;
  let isAnswered = false;
  const death = async (): Promise<boolean> => {
    while (!isAnswered && !node.process.isDead()) await world.timeline.sleep(retryMs);
    return false;
  };
  const call = node.chat.disconnect({ tenant, user, ...(device !== undefined && { device }) }).then(
    () => true,
    () => false,
  );
  const isStored = await Promise.race([call, death()]);
  isAnswered = true;
  return isStored;
}

/** Sockets that should have ended by now. */
function alive(world: World): readonly string[] {
  const { all, restingSince } = endedIn(world);
  const now = world.timeline.now();
  const isBusDead = world.faults().busLoses === 1;
  return world.sessions().flatMap((session) => {
    const { link, admittedAt, openedAt, user, device } = session;
    const since = isT7Kept ? admittedAt : openedAt;
    const revocation = all.find((each) => {
      if (!isOf(each, session) || since >= each.issuedAt) return false;
      const isQuiet = each.issuedAt > restingSince + recoveredMsMax;
      const endsAt = isQuiet
        ? each.doneAt + (isBusDead ? polledMsMax : notifiedMsMax)
        : Math.max(restingSince, each.doneAt) + recoveredMsMax;
      return now > endsAt;
    });
    if (!revocation || !link.isServed()) return [];
    return [
      `${user}/${device} is served on a socket of ${openedAt}, and was revoked at ${revocation.doneAt}: it is ${now}`,
    ];
  });
}

export const countRevocations = (world: World): number => endedIn(world).all.length;

/** A ticket: good once, for its user, in the history in which it was sold. */
async function buyTicket(world: World, chance: Chance): Promise<void> {
  const device = chance.pick(world.devices);
  const answer = await ask(world, chance, device, "/tickets", { body: {} });
  if (answer?.status !== 201) return;
  const [generation, boughtAt] = [world.histories.generation(), world.timeline.now()];
  const { ticket } = answer.body as { readonly ticket: string };
  let used = 0;
  for (const atMs of [chance.between(0, 2_000), chance.between(0, 4_000)])
    void world.timeline.after(atMs, () => void use());

  async function use(): Promise<void> {
    const node = world.pickNode(chance);
    if (!node) return;
    const isNamed = world.histories.gap() === null;
    const isOld = world.histories.generation() !== generation;
    const headers = { upgrade: "websocket" };
    const begunAt = world.timeline.now();
    const url = `http://sim/ws?device=${device.name}&ticket=${ticket}`;
    const admitted = await node.chat.admit(new Request(url, { headers }));
    if (admitted instanceof Response || node.process.isDead()) return;
    const { tenant, user } = admitted.session;
    if (`${tenant}/${user}` !== device.owner)
      world.problem("T6", `a ticket of ${device.owner} admitted ${tenant}/${user}`);
    if (isOld && isNamed)
      world.problem("D30", `a ticket of history ${generation} is good in ${world.histories.generation()}`);
    // A restore that is not yet named brings used tickets back.
    if (!isOld && used++ > 0) world.problem("T6", `a ticket of ${device.owner} was good twice`);
    const isRevoked = endedIn(world).all.some(
      (each) =>
        !each.keepsTickets &&
        isOf(each, { tenant, user, device: device.name }) &&
        each.issuedAt > boughtAt &&
        each.doneAt + recoveredMsMax < begunAt,
    );
    if (isT7Kept && isRevoked) world.problem("T7", `a ticket of ${device.owner} was good after they were revoked`);
  }
}

/** Revoked sessions: whatever the state of their sockets, nothing is sent over them any more. */
export const revocations: Feature = {
  name: "revocations",
  operations: {
    revoke: { weight: 3, act: (world, chance) => void revoke(world, chance, chance.pick(world.devices)) },
    "revoke who is opening": { weight: 3, act: revokeAsItOpens },
    ticket: { weight: 1, act: (world, chance) => void buyTicket(world, chance) },
  },
  late(world) {
    const ended = endedIn(world);
    if (ended.all.length === 0) return [];
    if (ended.restingSince === Infinity) ended.restingSince = world.timeline.now();
    const waiting = ended.all.filter(({ doneAt }) => doneAt === Infinity);
    const isRecovered = world.timeline.now() > ended.restingSince + recoveredMsMax;
    // One more, now that nothing goes wrong: it has less time.
    if (isRecovered && !ended.isQuietIssued) {
      ended.isQuietIssued = true;
      const chance = world.chance("quiet revocation");
      void revoke(world, chance, chance.pick(world.devices));
    }
    const newest = ended.all.reduce((last, { doneAt }) => Math.max(last, doneAt), 0);
    const isOver = ended.isQuietIssued && waiting.length === 0 && world.timeline.now() > newest + polledMsMax;
    return isOver ? alive(world) : ["sessions are ending"];
  },
  invariants: [{ rule: "T5", check: alive }],
};
