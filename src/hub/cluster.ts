import type { Feed } from "../feed/feed.ts";
import type { Transport } from "../bus/transport.ts";
import type { Clock } from "../internal/clock.ts";
import { createLru } from "../internal/lru.ts";
import { type Identity, identityKey } from "../model.ts";
import { inTurns } from "./turns.ts";

/** One device of a user on a node, and for how many milliseconds they have done nothing with it. */
export type DeviceHere = readonly [device: string, silentMs: number];

export type ClusterOptions = {
  readonly transport: Transport;
  readonly feed: Pick<Feed, "epoch">;
  /** Leaves out the time in which this process was frozen: it has not heard what the others said meanwhile. */
  readonly clock: Clock;
  /** This node's own name: another one after a restart. */
  readonly node: string;
  /** A volatile frame for the connections that a user has here. */
  readonly onFrame: (identity: Identity, text: string) => void;
  /** The devices with which a user is here. */
  readonly devicesOf: (identity: Identity) => readonly DeviceHere[];
  /** Whether a user is online here, also for a grace after their last connection went. */
  readonly isPresent: (identity: Identity) => boolean;
  /** A user may have come to another node, or left it. */
  readonly onPresence: (identity: Identity) => void;
};

/** How often a node says that it lives; one that has not for so long is gone, and its users with it. */
const beatMs = 3_000;
const goneMs = 10_000;
/** How many of those whom somebody watches are asked about at a time, after something may have been missed, and how often. */
const asksAtOnce = 100;
const asksEveryMs = 50;
/**
 * How many of those whom somebody watches are asked about with each beat, though nothing is known to have been missed, and how often at
 * most: what was lost without a sign is found so.
 */
const checksAtOnce = 100;
const checksEveryMs = 60_000;
/** How long an answer takes, and how long it holds. */
const answerMs = 300;
const answerHoldsMs = 5_000;
const answersMax = 100_000;

type Whereabouts = { askedAt: number; readonly devices: Map<string, number> };
type Told = {
  readonly frame?: unknown;
  readonly ask?: unknown;
  readonly node?: unknown;
  readonly online?: unknown;
  readonly tenant?: unknown;
  readonly user?: unknown;
  readonly devices?: unknown;
  /** Who wants to know whether a user, who was told to be there, still is. */
  readonly check?: unknown;
  readonly gone?: unknown;
};

/**
 * What nodes tell each other beside the log: volatile frames, and who is where. All of it may be lost: a user whose node is gone is
 * offline after a while, and after a gap, and from time to time, is asked again. A node hears of those users only who are here, or whom somebody here watches.
 */
export function createCluster(options: ClusterOptions) {
  const { transport, feed, clock, node, onFrame, devicesOf, isPresent, onPresence } = options;
  const here = new Map<string, () => void>();
  const watched = new Map<string, { readonly identity: Identity; readonly end: () => void }>();
  /** On which other nodes those are who are watched here. */
  const elsewhere = new Map<string, Set<string>>();
  /** The same by node. */
  const usersOn = new Map<string, Set<string>>();
  /** When each other node last gave a sign of life. */
  const nodes = new Map<string, number>();
  const whereabouts = createLru<string, Whereabouts>(answersMax);
  /** Who is still to be asked about. */
  let asking: Iterator<{ readonly identity: Identity }> | null = null;
  let cancelAsks = (): void => {};
  /** The round of checks that is under way, and when it began. */
  let checking: Iterator<{ readonly identity: Identity }> | null = null;
  let checkedAt = clock.elapsed();
  let endNodes = (): void => {};
  let cancelBeat = (): void => {};
  let epoch = "";

  const subject = (kind: "user" | "presence", { tenant, user }: Identity): string[] => [kind, epoch, tenant, user];
  const tell = (to: readonly string[], what: object): void => transport.publish(to, JSON.stringify(what));

  function hear(text: string, listen: (told: Told) => void): void {
    try {
      const told = JSON.parse(text) as unknown;
      if (typeof told === "object" && told !== null) listen(told);
    } catch {
      // It is not one of ours.
    }
  }

  function ask(identity: Identity): void {
    tell(subject("user", identity), { ask: node });
  }

  /** A node lives; of one that is new, or was gone, it is not known who is there. */
  function seen(name: unknown): name is string {
    if (typeof name !== "string" || name === node) return false;
    const isNew = !nodes.has(name);
    nodes.set(name, clock.elapsed());
    if (isNew) askAll();
    return true;
  }

  function askAll(): void {
    cancelAsks();
    asking = watched.values();
    cancelAsks = clock.after(asksEveryMs, askSome);
  }

  function askSome(): void {
    for (let i = 0; i < asksAtOnce; i++) {
      const next = asking?.next();
      if (!next || next.done === true) return void (asking = null);
      ask(next.value.identity);
    }
    cancelAsks = clock.after(asksEveryMs, askSome);
  }

  /** Asks about some of those who are watched: anew, and the nodes on which they are said to be whether they still are. */
  function checkSome(): void {
    const now = clock.elapsed();
    if (checking === null) {
      if (now - checkedAt < checksEveryMs) return;
      checkedAt = now;
      checking = watched.values();
    }
    for (let i = 0; i < checksAtOnce; i++) {
      const next = checking.next();
      if (next.done === true) return void (checking = null);
      const { identity } = next.value;
      ask(identity);
      for (const name of elsewhere.get(identityKey(identity)) ?? [])
        tell(["node", epoch, name], { check: node, ...identity });
    }
  }

  function heardCheck(checker: string, { tenant, user }: Told): void {
    if (typeof tenant !== "string" || typeof user !== "string" || isPresent({ tenant, user })) return;
    tell(["node", epoch, checker], { node, tenant, user, gone: true });
  }

  function setElsewhere(identity: Identity, name: string, isThere: boolean): void {
    const key = identityKey(identity);
    if (!watched.has(key)) return;
    const places = elsewhere.get(key) ?? new Set();
    const was = places.size > 0;
    if (isThere) {
      places.add(name);
      usersOn.set(name, (usersOn.get(name) ?? new Set()).add(key));
    } else {
      places.delete(name);
      forgetOn(name, key);
    }
    if (places.size > 0) elsewhere.set(key, places);
    else elsewhere.delete(key);
    if (was !== places.size > 0) onPresence(identity);
  }

  function forgetOn(name: string, key: string): void {
    const users = usersOn.get(name);
    users?.delete(key);
    if (users?.size === 0) usersOn.delete(name);
  }

  /** Whoever was on this node is not there any more, unless it has come back meanwhile and said so. */
  function lose(name: string): void {
    const gone = [...(usersOn.get(name) ?? [])];
    nodes.delete(name);
    usersOn.delete(name);
    const each = (key: string): void => {
      const identity = watched.get(key)?.identity;
      if (identity && usersOn.get(name)?.has(key) !== true) setElsewhere(identity, name, false);
    };
    void inTurns(gone, { clock, each });
  }

  function heardOfUser(identity: Identity, { frame, ask: asker }: Told): void {
    if (typeof frame === "string") return onFrame(identity, frame);
    if (typeof asker !== "string") return;
    const devices = devicesOf(identity);
    if (devices.length > 0) tell(["node", epoch, asker], { node, ...identity, devices });
  }

  function heardAnswer({ node: name, tenant, user, devices, check, gone }: Told): void {
    if (typeof check === "string") return heardCheck(check, { tenant, user });
    if (!seen(name) || typeof tenant !== "string" || typeof user !== "string") return;
    const identity = { tenant, user };
    if (gone === true) return setElsewhere(identity, name, false);
    if (!Array.isArray(devices)) return;
    const known = whereabouts.get(identityKey(identity));
    for (const pair of devices as unknown[]) {
      const [device, silentMs] = Array.isArray(pair) ? (pair as unknown[]) : [];
      if (known && typeof device === "string" && typeof silentMs === "number")
        known.devices.set(device, Math.min(silentMs, known.devices.get(device) ?? Infinity));
    }
    setElsewhere(identity, name, true);
  }

  function beat(): void {
    tell(["nodes", epoch], { node });
    const now = clock.elapsed();
    for (const [name, at] of nodes) if (now - at >= goneMs) lose(name);
    checkSome();
    cancelBeat = clock.after(beatMs, beat);
  }

  transport.onGap(askAll);

  /** Speaks to the nodes on this database, in its history of now. */
  function start(): void {
    epoch = feed.epoch();
    const own = [
      transport.subscribe(["nodes", epoch], (text) => hear(text, ({ node: name }) => void seen(name))),
      transport.subscribe(["node", epoch, node], (text) => hear(text, heardAnswer)),
    ];
    endNodes = () => {
      for (const end of own) end();
    };
    beat();
  }

  function stop(): void {
    cancelBeat();
    cancelAsks();
    asking = null;
    checking = null;
    endNodes();
    for (const end of here.values()) end();
    for (const { end } of watched.values()) end();
    here.clear();
    watched.clear();
    elsewhere.clear();
    usersOn.clear();
    nodes.clear();
  }

  return {
    start,
    stop,
    /** A user is here, with their first connection. */
    join(identity: Identity): void {
      const key = identityKey(identity);
      if (here.has(key)) return;
      here.set(
        key,
        transport.subscribe(subject("user", identity), (text) => hear(text, (told) => heardOfUser(identity, told))),
      );
    },
    /** A user's last connection here has gone. */
    leave(identity: Identity): void {
      const key = identityKey(identity);
      here.get(key)?.();
      here.delete(key);
    },

    /** A volatile frame for whoever has a connection of this user. */
    frame: (identity: Identity, text: string): void => tell(subject("user", identity), { frame: text }),

    /** A user has come here, or has left for good. */
    present: (identity: Identity, online: boolean): void => tell(subject("presence", identity), { node, online }),

    /** Somebody here wants to know how this user is. */
    watch({ tenant, user }: Identity): void {
      const identity = { tenant, user };
      const key = identityKey(identity);
      if (watched.has(key)) return;
      const end = transport.subscribe(subject("presence", identity), (text) =>
        hear(text, ({ node: name, online }) => {
          if (seen(name)) setElsewhere(identity, name, online === true);
        }),
      );
      watched.set(key, { identity, end });
      ask(identity);
    },
    /** Nobody here does any more. */
    unwatch(identity: Identity): void {
      const key = identityKey(identity);
      watched.get(key)?.end();
      watched.delete(key);
      for (const name of elsewhere.get(key) ?? []) forgetOn(name, key);
      elsewhere.delete(key);
    },
    /** Whether one who is watched here is on another node. */
    isElsewhere: (identity: Identity): boolean => elsewhere.has(identityKey(identity)),

    /**
     * For how long a user has done nothing on a device that is connected to another node (an empty one: on any); null: none is. It has
     * to be asked for: "unknown" until an answer may have come.
     */
    silentMs(identity: Identity, device: string): number | null | "unknown" {
      const key = identityKey(identity);
      const now = clock.elapsed();
      const known = whereabouts.get(key);
      if (!known || now - known.askedAt >= answerHoldsMs) {
        whereabouts.set(key, { askedAt: now, devices: new Map() });
        ask(identity);
        return "unknown";
      }
      if (now - known.askedAt < answerMs) return "unknown";
      const found = [...known.devices].filter(([name]) => device === "" || name === device);
      return found.length === 0 ? null : Math.min(...found.map(([, ms]) => ms)) + (now - known.askedAt);
    },

    /** Sizes of what is held: 0 once everybody has left. */
    sizes: () => ({
      followed: here.size,
      asked: asking === null ? 0 : watched.size,
      elsewhere: elsewhere.size,
      watchedUsers: watched.size,
    }),
  };
}

export type Cluster = ReturnType<typeof createCluster>;
