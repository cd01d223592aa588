import { blocksIn } from "./blocks.ts";
import { claimsIn } from "./claims.ts";
import type { SimDevice } from "./device.ts";
import { phonesIn, type Request, type Screen } from "./phones.ts";
import { startTime } from "./process.ts";
import type { Newest, TrueAddress } from "./push-truth.ts";
import { wishesIn } from "./push-wishes.ts";
import type { World } from "./world.ts";

/** How far each device, by `tenant/user/device`, knows that its user has read a conversation: it removes those notifications itself. */
const reads = new WeakMap<World, Map<string, number>>();
/** A worker gives up a clear after this many tries. */
const clearTriesMax = 24;

export function learnRead(world: World, { reader }: SimDevice, conversation: string, seq: number): void {
  const known = reads.get(world) ?? new Map<string, number>();
  reads.set(world, known);
  known.set(`${reader} ${conversation}`, seq);
}

/** Confirmed settings and registrations are stored, and no others. */
export function unsaved(world: World): readonly string[] {
  const { waiting, confirmed } = wishesIn(world);
  const { wishes, addresses } = world.push();
  const wanted = new Set([...confirmed].flatMap(([key, value]) => (value === null ? [] : [`${key} ${value}`.trim()])));
  const claims = claimsIn(world);
  const lost = claims.registered().filter((claim) => {
    if (claims.addressesOf(claim) > world.faults().limits.pushAddressesPerUserMax) return false;
    if (addresses.some((each) => each.provider === claim.provider && each.token === claim.token && isOf(each, claim)))
      return false;
    // The provider may have reported it dead, and it was not registered again since that request.
    return !deathsOf(world, claim.token).some(({ look }) => look.at >= claim.issuedAt);
  });
  const foreign = addresses.filter(
    (each) => each.device !== "" && !claims.mayBeRegistered(each, each.token, world.timeline.now()),
  );
  return [
    ...[...waiting].map((key) => `${key} waits for an answer`),
    ...[...wanted].filter((text) => !wishes.has(text)).map((text) => `${text} was confirmed, and is not stored`),
    ...[...wishes].filter((text) => !wanted.has(text)).map((text) => `${text} is stored, and was not confirmed`),
    ...lost.map(({ user, device, token }) => `${user}/${device} registered ${token}, which is not stored`),
    ...foreign.map(({ name, token }) => `${name} has ${token}, which has moved or was logged out`),
  ];
}

const isOf = (one: Pick<TrueAddress, "tenant" | "user" | "device">, other: typeof one): boolean =>
  one.tenant === other.tenant && one.user === other.user && one.device === other.device;

function deathsOf(world: World, token: string | null): readonly Request[] {
  return [...phonesIn(world).screens().values()].flatMap(({ requests }) =>
    requests.filter(({ notice, outcome }) => notice.token === token && outcome === "dead"),
  );
}

const nothing: Screen = { shown: new Map(), requests: [] };

/** Whether a time is still to come by the clock of a living node; it was set by another node's clock. */
function isLaterElsewhere({ plan, clocks }: World, due: number): boolean {
  const areWrong = plan.faults.skewMs > 0 || plan.operations.some(({ kind }) => kind === "clock jump");
  return areWrong && clocks().some((now) => due > now);
}

/** Whether something may still wait for the end of quiet hours, or for a time set by another node's clock. */
const isWaiting = (world: World, owner: string, due: number | null): boolean =>
  due !== null && (wishesIn(world).ever.has(`quiet ${owner}`) || isLaterElsewhere(world, due));

/** Whether a device may, at the end, not show a message that it has not acked. */
function isExcused(world: World, address: TrueAddress, newest: Newest): boolean {
  const { owner, device, key, name } = address;
  const { ever } = wishesIn(world);
  const [log, notice] = [
    world.push().log.get(`${key} ${newest.conversation} ${newest.seq}`),
    world.push().notices.get(`${key} ${newest.conversation}`),
  ];
  const { requests } = phonesIn(world).screens().get(name) ?? nothing;
  const came = (outcome: Request["outcome"]): boolean =>
    requests.some(
      ({ notice: sent, outcome: found }) =>
        sent.conversation === newest.conversation && sent.seq === newest.seq && found === outcome,
    );
  // A block removed it, and the end of the block brings nothing back.
  const isTakenByBlock = requests.some(
    ({ notice: sent, look, generation }) =>
      sent.kind === "clear" &&
      sent.conversation === newest.conversation &&
      sent.seq >= newest.seq &&
      look.isBlocked &&
      generation === world.histories.generation(),
  );
  if (isTakenByBlock) return true;
  // A message that comes while another one waits for the end of quiet hours waits with it.
  if (notice !== undefined && notice.n >= newest.n && isWaiting(world, owner, notice.due)) return true;
  switch (log?.reason) {
    case "muted":
      return (
        ever.has(`off ${owner}/${device}`) || ever.has(`mute ${owner} ${parseInt(newest.conversation.slice(1), 36)}`)
      );
    case "blocked":
      return blocksIn(world).mayBeInForce(owner, newest.from, 0, world.timeline.now());
    case "failed":
      return came("failed");
    case "token_dead":
      return claimsIn(world).couldExpire(address) || came("dead");
    default:
      return false;
  }
}

/** Every address was sent the newest message of each conversation that its device has not acked and its user has not read. */
export function unnotified(world: World): readonly string[] {
  const { addresses, newest } = world.push();
  return addresses.flatMap((address) =>
    newest.flatMap((one) => {
      const { conversation, owner, n, seq, read } = one;
      // After a restore no worker may know the earlier requests.
      if (n <= world.histories.restoredTo()) return [];
      if (owner !== address.owner || n <= address.since || n <= address.acked || read >= seq) return [];
      const shown = phonesIn(world).screens().get(address.name)?.shown.get(conversation)?.seq ?? 0;
      if (shown === seq || isExcused(world, address, one)) return [];
      return [`${address.name} shows ${shown} of ${conversation}, not ${seq}`];
    }),
  );
}

/** A provider that needs no registration reaches users without one. */
export function unreached(world: World): readonly string[] {
  const { addresses, newest } = world.push();
  return world.plan.faults.push.providers.flatMap(({ name, reach }) =>
    newest.flatMap(({ owner, conversation }) => {
      if (reach !== "user" || addresses.some((each) => each.owner === owner && each.provider === name)) return [];
      // After a logout or a dead token a user has no address until the next message.
      const isDead = [...phonesIn(world).screens().values()].some(({ requests }) =>
        requests.some(({ look, outcome }) => `${look.tenant}/${look.user}` === owner && outcome === "dead"),
      );
      const isNever = claimsIn(world).devicesWith(owner, name) === 0 && !isDead;
      return isNever ? [`${owner} has a message in ${conversation}, and no address of ${name}`] : [];
    }),
  );
}

/** No screen shows a read message, or one of a blocked user. */
export function uncleared(world: World): readonly string[] {
  const { addresses, newest, notices } = world.push();
  /** An address without a device belongs to all devices. */
  const isKnown = (owner: string, device: string, conversation: string, seq: number): boolean =>
    world.devices
      .filter((each) => each.owner === owner && (device === "" || each.name === device))
      .some((each) => (reads.get(world)?.get(`${each.reader} ${conversation}`) ?? 0) >= seq);
  return addresses.flatMap((address) => {
    const { name, key, owner, device } = address;
    const canExpire = claimsIn(world).couldExpire(address);
    const { shown, requests } = phonesIn(world).screens().get(name) ?? nothing;
    return [...shown].flatMap(([conversation, { seq, request }]) => {
      if (request.isDoubtful) return [];
      const marks = newest.find((each) => each.owner === owner && each.conversation === conversation);
      if (!marks || isKnown(owner, device, conversation, seq) || canExpire) return [];
      const now = world.timeline.now();
      const isBlocked = blocksIn(world).isInForce(owner, marks.from, now, now);
      if (marks.read < seq && !isBlocked) return [];
      const all = requests.filter(({ notice }) => notice.conversation === conversation);
      const tries = all.filter(({ notice }) => notice.kind === "clear");
      // It may show a newer one that may or may not have arrived: that one is removed once it is read.
      const mayBeNewer = !isBlocked && (notices.get(`${key} ${conversation}`)?.shown ?? 0) > marks.read;
      const isRefused = tries.some(({ outcome }) => outcome === "failed" || outcome === "dead");
      const isLater = isWaiting(world, owner, notices.get(`${key} ${conversation}`)?.due ?? null);
      if (isRefused || tries.length >= clearTriesMax || isLater || mayBeNewer) return [];
      return [
        `${name} shows ${seq} of ${conversation}, which was read up to ${marks.read}${isBlocked ? ", of a blocked user" : ""}`,
      ];
    });
  });
}

/** No work is left, and nothing is kept for addresses that no longer exist. */
export function unfinished(world: World): readonly string[] {
  const { notices, addresses } = world.push();
  const keys = new Set(addresses.map(({ key }) => String(key)));
  const orphans = [...notices.keys()].filter((place) => !keys.has(place.slice(0, place.indexOf(" "))));
  if (orphans.length > 0) return orphans.map((place) => `${place} is a notice of no address`);
  return addresses.flatMap(({ name, key, owner }) =>
    [...notices].flatMap(([place, { due }]) => {
      if (due === null || !place.startsWith(`${key} `) || isWaiting(world, owner, due)) return [];
      return [`${name} has something due at ${due - startTime} (${place})`];
    }),
  );
}
