import { ask } from "./ask.ts";
import type { Chance } from "./chance.ts";
import { claimsIn } from "./claims.ts";
import type { SimDevice } from "./device.ts";
import type { Request } from "./phones.ts";
import { startTime } from "./process.ts";
import type { PushTruth } from "./push-truth.ts";
import type { World } from "./world.ts";

/** The notification settings of a world's users: requests without an answer, confirmed settings, and all that ever may have held. */
type Wishes = {
  readonly waiting: Set<string>;
  readonly confirmed: Map<string, string | null>;
  readonly ever: Set<string>;
  /** How many times each was asked for. */
  readonly asked: Map<string, number>;
};

const worlds = new WeakMap<World, Wishes>();
const retryMs = 200;
const minuteMs = 60_000;

export function wishesIn(world: World): Wishes {
  const wishes = worlds.get(world) ?? { waiting: new Set(), confirmed: new Map(), ever: new Set(), asked: new Map() };
  worlds.set(world, wishes);
  return wishes;
}

/** The database was restored, and has these: later settings are gone, except requests under way. */
export function restoreWishes(world: World, { wishes, addresses }: PushTruth): void {
  const { confirmed, ever } = wishesIn(world);
  const stored = [...wishes];
  for (const key of new Set([...ever, ...confirmed.keys()])) {
    const text = stored.find((each) => each === key || each.startsWith(`${key} `));
    confirmed.set(key, text === undefined ? null : text.slice(key.length + 1));
  }
  const registered = addresses
    .filter(({ device }) => device !== "")
    .map(({ tenant, user, device, provider, token, expires }) => ({
      ...{ tenant, user, device, provider, token },
      expiresAt: expires,
    }));
  claimsIn(world).restore(registered, world.timeline.now());
}

type Call = { readonly path: string; readonly method: "PUT" | "DELETE"; readonly body?: object };

/** Repeats a request until it is answered. Requests for one key run one after the other, so that the last one is known. */
async function askUntilAnswered(
  world: World,
  chance: Chance,
  device: SimDevice,
  key: string,
  call: Call,
): Promise<boolean> {
  const { waiting } = wishesIn(world);
  if (waiting.has(key)) return false;
  waiting.add(key);
  const { path, ...options } = call;
  let answer = null;
  for (let tries = 0; answer === null; tries++) {
    if (tries > 0) await world.timeline.sleep(retryMs);
    answer = await ask(world, chance.fork(`try ${tries}`), device, path, options);
  }
  waiting.delete(key);
  // A restore may have removed its subject.
  return answer.status < 400;
}

/** A setting that the database stores as text; null: it is removed. */
async function wish(world: World, chance: Chance, device: SimDevice, key: string, value: string | null, call: Call) {
  const { confirmed, ever, asked } = wishesIn(world);
  asked.set(key, (asked.get(key) ?? 0) + 1);
  if (value !== null) ever.add(key);
  if (await askUntilAnswered(world, chance, device, key, call)) confirmed.set(key, value);
}

/** A device of the user: one that connects, or one that never does. */
const deviceName = (chance: Chance, { name }: SimDevice): string => (chance.hits(0.3) ? "phone" : name);

type Registration = {
  readonly name: string;
  readonly provider: string;
  readonly token: string;
  readonly expiresAt: number | null;
};

async function registerAs(world: World, chance: Chance, device: SimDevice, registration: Registration): Promise<void> {
  const { tenant, user, owner } = device;
  const { name, provider, token, expiresAt } = registration;
  const key = `device ${owner}/${name}`;
  if (wishesIn(world).waiting.has(key)) return;
  const claim = claimsIn(world).issue({ tenant, user, device: name, provider, token, expiresAt }, world.timeline.now());
  await askUntilAnswered(world, chance, device, key, {
    path: `/devices/${name}`,
    method: "PUT",
    body: { push: { provider, token, ...(expiresAt !== null && { expiresAt }) } },
  });
  claim.confirmedAt = world.timeline.now();
}

export async function register(world: World, chance: Chance, device: SimDevice): Promise<void> {
  const { tenant, owner } = device;
  const name = deviceName(chance, device);
  const tokenOf = (other: string): string => `${other} ${name}`;
  const elsewhere = tokenOf(`${tenant}/${chance.pick(world.plan.users)}`);
  await registerAs(world, chance, device, {
    name,
    provider: chance.pick(world.plan.faults.push.providers).name,
    token: chance.pick([tokenOf(owner), tokenOf(owner), `${tokenOf(owner)} 2`, elsewhere]),
    expiresAt: chance.hits(0.1) ? Math.floor(startTime + world.timeline.now() + chance.between(500, 20_000)) : null,
  });
}

export async function logOut(world: World, chance: Chance, device: SimDevice): Promise<void> {
  const { tenant, user, owner } = device;
  const name = deviceName(chance, device);
  const key = `device ${owner}/${name}`;
  if (wishesIn(world).waiting.has(key)) return;
  const claim = claimsIn(world).issue(
    { tenant, user, device: name, provider: null, token: null, expiresAt: null },
    world.timeline.now(),
  );
  await askUntilAnswered(world, chance, device, key, { path: `/devices/${name}`, method: "DELETE" });
  claim.confirmedAt = world.timeline.now();
}

/** Asks the server to forget a device: its addresses are gone, and that it wants no notifications. Whether it was asked, and is done. */
export async function forgetAddresses(world: World, chance: Chance, device: SimDevice): Promise<boolean> {
  const { tenant, user, owner, name } = device;
  const { waiting, confirmed } = wishesIn(world);
  const [key, off] = [`device ${owner}/${name}`, `off ${owner}/${name}`];
  if (waiting.has(key) || waiting.has(off)) return false;
  waiting.add(off);
  const claim = claimsIn(world).issue(
    { tenant, user, device: name, provider: null, token: null, expiresAt: null },
    world.timeline.now(),
  );
  const isDone = await askUntilAnswered(world, chance, device, key, {
    path: `/devices/${name}?forget=true`,
    method: "DELETE",
  });
  waiting.delete(off);
  confirmed.set(off, null);
  claim.confirmedAt = world.timeline.now();
  return isDone;
}

export async function turn(world: World, chance: Chance, device: SimDevice): Promise<void> {
  const name = deviceName(chance, device);
  const notify = chance.hits(0.5);
  await wish(world, chance, device, `off ${device.owner}/${name}`, notify ? null : "", {
    ...{ path: `/devices/${name}`, method: "PUT", body: { notify } },
  });
}

export async function mute(world: World, chance: Chance, device: SimDevice): Promise<void> {
  const rows = [...device.rows().values()];
  if (rows.length === 0) return;
  const { conversation } = chance.pick(rows);
  const path = `/conversations/${conversation}/mute`;
  const key = `mute ${device.owner} ${parseInt(conversation.slice(1), 36)}`;
  if (chance.hits(0.4)) return await wish(world, chance, device, key, null, { path, method: "DELETE" });
  const until = chance.hits(0.5) ? Math.floor(startTime + world.timeline.now() + chance.between(0, 10_000)) : null;
  const body = until === null ? {} : { until };
  // A user may press twice: the same mute again changes nothing.
  for (let i = chance.pick([1, 1, 2]); i > 0; i--)
    await wish(world, chance, device, key, String(until ?? "forever"), { path, method: "PUT", body });
}

export async function setQuietHours(world: World, chance: Chance, device: SimDevice): Promise<void> {
  const [path, key] = ["/quiet-hours", `quiet ${device.owner}`];
  if (chance.hits(0.5)) return await wish(world, chance, device, key, null, { path, method: "DELETE" });
  const text = (minutes: number): string =>
    new Date(startTime + Math.floor(world.timeline.now()) + minutes * minuteMs).toISOString().slice(11, 16);
  const start = chance.between(-3, 2);
  const body = { from: text(start), to: text(start + chance.between(0, 3)), timeZone: "UTC" };
  await wish(world, chance, device, key, JSON.stringify(body), { path, method: "PUT", body });
}

/** A user's reaction to a notification: reading on another device, or starting the app, which registers again. */
export function react(world: World, { notice, look, outcome, at, endsAt }: Request): void {
  const chance = world.chance(`react ${notice.key} ${at}`);
  const own = world.devices.filter(({ owner }) => owner === `${notice.tenant}/${notice.user}`);
  if (outcome === "dead" && notice.device !== "" && chance.hits(0.5)) {
    const [name, provider] = [notice.device, look.provider];
    void world.timeline.after(
      chance.unit() * (endsAt - at),
      () => void registerAs(world, chance, chance.pick(own), { name, provider, token: notice.token, expiresAt: null }),
    );
  }
  if (notice.kind === "clear" || !chance.hits(0.3)) return;
  void world.timeline.after(chance.pick([0, 100, 1_000]) * chance.unit(), () => {
    const device = chance.pick(own);
    const rows = [...device.rows().values()].filter(
      ({ conversation, from }) => conversation === notice.conversation && from !== device.owner,
    );
    const seq = rows.reduce((last, row) => Math.max(last, row.seq), 0);
    if (seq > 0) device.sendFrame({ type: "read", conversation: notice.conversation, seq });
  });
}
