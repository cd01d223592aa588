import { type ClusterMessage, decodeMessage, type DeviceHere, encodeMessage } from "./cluster-message.ts";
import { createElsewhere } from "./elsewhere.ts";
import { createIdleElsewhere, type IdleElsewhere } from "./idle-elsewhere.ts";
import { createPresenceAsks } from "./presence-asks.ts";
import { createUserSubscriptions } from "./user-subscriptions.ts";
import type { Transport } from "../bus/transport.ts";
import type { Feed } from "../feed/feed.ts";
import type { Clock } from "../internal/clock.ts";
import { type Identity, identityKey } from "../model.ts";

export type ClusterOptions = {
  readonly transport: Transport;
  readonly feed: Pick<Feed, "epoch">;
  /** Leaves out the time in which this process was frozen: the messages of that time are still to be read. */
  readonly clock: Clock;
  /** This node's own name: another one after a restart. */
  readonly node: string;
  /** A volatile frame for the connections that a user has here. */
  readonly onFrame: (identity: Identity, text: string) => void;
  /** The devices with which a user is connected here. */
  readonly devicesOf: (identity: Identity) => readonly DeviceHere[];
  /** Whether a user is online here, also for a grace after their last connection went. */
  readonly isPresent: (identity: Identity) => boolean;
  /** A user may have come to another node, or left it. */
  readonly onPresence: (identity: Identity) => void;
};

/**
 * Messages between nodes beside the log: volatile frames, and the nodes of users. Each may be lost: the users of a node that is gone are
 * offline after a while, and after a gap, and from time to time, nodes ask again. A node gets the messages about those users only who are
 * connected to it, or are watched there.
 */
export type Cluster = {
  /** Subscribes under the history of now, and reports this node to the others. */
  start(): void;
  stop(): void;
  /** A user is here, with their first connection. */
  join(identity: Identity): void;
  /** A user's last connection here has gone. */
  leave(identity: Identity): void;
  /** Sends a volatile frame to the connections of a user on other nodes. */
  sendFrame(identity: Identity, text: string): void;
  /** A user has come here, or has left for good. */
  sendPresence(identity: Identity, online: boolean): void;
  /** A connection here watches this user. */
  watch(identity: Identity): void;
  /** No connection here does any more. */
  unwatch(identity: Identity): void;
  /** Whether a user who is watched here is on another node. */
  isElsewhere(identity: Identity): boolean;
  /** See `IdleElsewhere`. */
  readonly idleMs: IdleElsewhere["idleMs"];
  /** Each is 0 once all connections are gone. */
  sizes(): {
    readonly followed: number;
    readonly asked: number;
    readonly elsewhere: number;
    readonly watchedUsers: number;
  };
};

/** How often a node says that it lives, in milliseconds. */
const beatMs = 3_000;
/** A node that did not say so for this time is gone, and its users with it. */
const goneMs = 10_000;

export function createCluster(options: ClusterOptions): Cluster {
  const { transport, feed, clock, node, onFrame, devicesOf, isPresent, onPresence } = options;
  /** When each other node last gave a sign of life. */
  const nodes = new Map<string, number>();
  let own: readonly (() => void)[] = [];
  let cancelBeat = (): void => {};
  let epoch = "";

  const subject = (kind: "user" | "presence", { tenant, user }: Identity): string[] => [kind, epoch, tenant, user];
  const send = (to: readonly string[], message: ClusterMessage): void => transport.publish(to, encodeMessage(message));
  const sendToNode = (name: string, message: ClusterMessage): void => send(["node", epoch, name], message);
  const ask = (identity: Identity): void => send(subject("user", identity), { type: "ask", node });

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
    check(identity) {
      for (const name of elsewhere.nodesOf(identity)) sendToNode(name, { type: "check", node, identity });
    },
  });

  function subscribe(to: readonly string[], receive: (message: ClusterMessage) => void): () => void {
    return transport.subscribe(to, (text) => {
      const message = decodeMessage(text);
      if (message) receive(message);
    });
  }

  /** Another node lives; if it is new, or was gone, its users are not known. False: it is this one. */
  function noteAlive(name: string): boolean {
    if (name === node) return false;
    const isNew = !nodes.has(name);
    nodes.set(name, clock.elapsed());
    if (isNew) asks.askAll();
    return true;
  }

  function receiveForUser(identity: Identity, message: ClusterMessage): void {
    if (message.type === "frame") return onFrame(identity, message.text);
    if (message.type !== "ask") return;
    const devices = devicesOf(identity);
    if (devices.length > 0) sendToNode(message.node, { type: "answer", node, identity, devices });
  }

  function receiveForNode(message: ClusterMessage): void {
    if (message.type === "check") {
      const { node: checker, identity } = message;
      if (!isPresent(identity)) sendToNode(checker, { type: "gone", node, identity });
    } else if ("node" in message && noteAlive(message.node)) {
      if (message.type === "gone") elsewhere.set(message.identity, message.node, false);
      if (message.type !== "answer") return;
      idle.take(message.identity, message.devices);
      elsewhere.set(message.identity, message.node, true);
    }
  }

  function beat(): void {
    send(["nodes", epoch], { type: "alive", node });
    const now = clock.elapsed();
    for (const [name, at] of nodes)
      if (now - at >= goneMs) {
        nodes.delete(name);
        elsewhere.lose(name);
      }
    asks.beat();
    cancelBeat = clock.after(beatMs, beat);
  }

  transport.onGap(asks.askAll);

  return {
    start() {
      epoch = feed.epoch();
      own = [
        subscribe(["nodes", epoch], (message) => void ("node" in message && noteAlive(message.node))),
        subscribe(["node", epoch, node], receiveForNode),
      ];
      beat();
    },
    stop() {
      cancelBeat();
      asks.stop();
      for (const end of own) end();
      here.stop();
      watched.stop();
      elsewhere.clear();
      nodes.clear();
    },
    join: (identity) => void here.add(identity),
    leave: here.end,
    sendFrame: (identity, text) => send(subject("user", identity), { type: "frame", text }),
    sendPresence: (identity, online) => send(subject("presence", identity), { type: "presence", node, online }),
    watch({ tenant, user }) {
      if (watched.add({ tenant, user })) ask({ tenant, user });
    },
    unwatch(identity) {
      watched.end(identity);
      elsewhere.forget(identityKey(identity));
    },
    isElsewhere: elsewhere.has,
    idleMs: idle.idleMs,
    sizes: () => ({
      followed: here.users.size,
      asked: asks.isAsking() ? watched.users.size : 0,
      elsewhere: elsewhere.size(),
      watchedUsers: watched.users.size,
    }),
  };
}
