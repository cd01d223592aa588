import { type ClusterMessage, decodeMessage, type DeviceHere, encodeMessage } from "./cluster-message.ts";
import { createElsewhere } from "./elsewhere.ts";
import { createIdleElsewhere } from "./idle-elsewhere.ts";
import { createPeers } from "./peers.ts";
import { createPresenceAsks } from "./presence-asks.ts";
import type { Transport } from "../bus/transport.ts";
import { userSubject } from "../feed/audience.ts";
import type { Feed } from "../feed/feed.ts";
import type { Clock } from "../internal/clock.ts";
import { levelMin } from "../protocol/level.ts";
import { type Identity, identityKey } from "../model.ts";

export type ClusterOptions = {
  readonly transport: Transport;
  readonly feed: Pick<Feed, "epoch" | "divideWhile">;
  /** Leaves out the time in which this process was frozen: the messages of that time are still to be read. */
  readonly clock: Clock;
  /** See `Limits`. */
  readonly audienceNodesMin: number;
  /** This node's own name: another one after a restart. */
  readonly node: string;
  /** A volatile frame for the connections that a user has here. */
  readonly onFrame: (identity: Identity, text: string, level: number) => void;
  /** The devices with which a user is connected here. */
  readonly devicesOf: (identity: Identity) => readonly DeviceHere[];
  /** Whether a user is online here, also for a grace after their last connection went. */
  readonly isPresent: (identity: Identity) => boolean;
  /** A user may have come to another node, or left it. */
  readonly onPresence: (identity: Identity) => void;
};

/** How often a node says that it lives, in milliseconds. */
const beatMs = 3_000;

/**
 * Messages between nodes beside the log, under the history of now: volatile frames, and the nodes of users. Each may be lost: the users of a node that
 * is gone are offline after a while, and after a gap, and from time to time, nodes ask again. A node gets the messages about those users only who
 * are connected to it, or are watched there.
 */
export function createCluster(options: ClusterOptions) {
  const { transport, clock, node, onFrame, devicesOf, isPresent, onPresence } = options;
  const epoch = options.feed.epoch();
  const peers = createPeers(clock);
  let cancelBeat = (): void => {};

  const subject = (kind: "user" | "presence", identity: Identity): string[] =>
    kind === "user" ? userSubject(epoch, identity) : [kind, epoch, identity.tenant, identity.user];
  const subscribe = subscriberOf(transport);
  const send = (to: readonly string[], message: ClusterMessage): void => transport.publish(to, encodeMessage(message));
  const sendToNode = (name: string, message: ClusterMessage): void => send(["node", epoch, name], message);
  const ask = (identity: Identity): void => send(subject("user", identity), { type: "ask", ask: node });

  const here = createUserSubscriptions((identity) =>
    subscribe(subject("user", identity), (message) => receiveForUser(identity, message)),
  );
  const watched = createUserSubscriptions((identity) =>
    subscribe(subject("presence", identity), (message) => {
      if (message.type === "presence" && noteAlive(message.node)) elsewhere.set(identity, message.node, message.online);
    }),
  );
  const elsewhere = createElsewhere({ clock, watched: (key) => watched.users.get(key)?.identity, onPresence });
  const idle = createIdleElsewhere({ clock, ask });
  const asks = createPresenceAsks({
    ...{ clock, watched: watched.users, ask },
    check({ tenant, user }) {
      for (const name of elsewhere.nodesOf({ tenant, user }))
        sendToNode(name, { type: "check", check: node, tenant, user });
    },
  });

  /** Another node lives; if it is new, or was gone, its users are not known. False: it is this one. */
  function noteAlive(name: string): boolean {
    if (name === node) return false;
    if (peers.note(name)) asks.askAll();
    return true;
  }

  function receiveForUser(identity: Identity, message: ClusterMessage): void {
    if (message.type === "frame") return onFrame(identity, message.frame, message.level ?? levelMin);
    if (message.type !== "ask") return;
    const devices = devicesOf(identity);
    if (devices.length > 0) sendToNode(message.ask, { type: "answer", node, ...identity, devices });
  }

  function receiveFromNode(message: ClusterMessage): void {
    if (!("node" in message) || !noteAlive(message.node)) return;
    if (message.type === "alive") peers.noteDivided(message.node, message.divided === true);
  }

  function receiveForNode(message: ClusterMessage): void {
    if (message.type === "check") {
      const { check: checker, tenant, user } = message;
      if (!isPresent({ tenant, user })) sendToNode(checker, { type: "gone", node, tenant, user, gone: true });
    } else if ("node" in message && noteAlive(message.node)) {
      if (message.type === "gone") elsewhere.set(message, message.node, false);
      if (message.type !== "answer") return;
      idle.take(message, message.devices);
      elsewhere.set(message, message.node, true);
    }
  }

  function beat(): void {
    send(["nodes", epoch], { type: "alive", node, divided: true });
    for (const name of peers.takeGone()) elsewhere.lose(name);
    asks.beat();
    cancelBeat = clock.after(beatMs, beat);
  }

  transport.onGap(asks.askAll);
  const own = [subscribe(["nodes", epoch], receiveFromNode), subscribe(["node", epoch, node], receiveForNode)];
  beat();
  // A node of an older release would read the log for each divided commit.
  options.feed.divideWhile(() => peers.areDividing(options.audienceNodesMin));

  return {
    /** A user is here, with their first connection. */
    join: ({ tenant, user }: Identity): void => void here.add({ tenant, user }),
    /** A user's last connection here has gone. */
    leave: here.end,
    /** Sends a volatile frame to the connections of a user on other nodes. */
    sendFrame: (identity: Identity, text: string, level: number): void =>
      send(subject("user", identity), { type: "frame", frame: text, ...(level > levelMin && { level }) }),
    /** A user has come here, or has left for good. */
    sendPresence: (identity: Identity, online: boolean): void =>
      send(subject("presence", identity), { type: "presence", node, online }),
    /** A connection here watches this user. */
    watch({ tenant, user }: Identity): void {
      if (watched.add({ tenant, user })) ask({ tenant, user });
    },
    /** No connection here watches this user any more. */
    unwatch(identity: Identity): void {
      watched.end(identity);
      elsewhere.forget(identityKey(identity));
    },
    /** Whether a user who is watched here is on another node. */
    isElsewhere: elsewhere.has,
    idleMs: idle.idleMs,
    stop(): void {
      cancelBeat();
      asks.stop();
      for (const end of own) end();
      here.stop();
      watched.stop();
      elsewhere.clear();
      peers.clear();
    },
    /** Each is 0 once all connections are gone. */
    sizes: () => ({
      followed: here.users.size,
      asked: asks.isAsking() ? watched.users.size : 0,
      elsewhere: elsewhere.size(),
      watchedUsers: watched.users.size,
    }),
  };
}

/** Subscribes to messages; texts of other programs are ignored. */
const subscriberOf =
  (transport: Transport) =>
  (to: readonly string[], receive: (message: ClusterMessage) => void): (() => void) =>
    transport.subscribe(to, (text) => {
      const message = decodeMessage(text);
      if (message) receive(message);
    });

export type Cluster = ReturnType<typeof createCluster>;

/** A subscription for each of some users. */
function createUserSubscriptions(subscribe: (identity: Identity) => () => void) {
  const users = new Map<string, { readonly identity: Identity; readonly end: () => void }>();

  return {
    users,
    /** Subscribes for a user; false: there is a subscription already. */
    add(identity: Identity): boolean {
      const key = identityKey(identity);
      if (users.has(key)) return false;
      users.set(key, { identity, end: subscribe(identity) });
      return true;
    },
    end(identity: Identity): void {
      const key = identityKey(identity);
      users.get(key)?.end();
      users.delete(key);
    },
    stop(): void {
      for (const { end } of users.values()) end();
      users.clear();
    },
  };
}
