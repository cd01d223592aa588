import { createDispatch } from "./dispatch.ts";
import { createFanOut } from "./fan-out.ts";
import type { Arrival, HubOptions } from "./hub-options.ts";
import { createGroupPresences, withGroups } from "./group-presences.ts";
import { createPeople, type People } from "./people.ts";
import { createRegistry } from "./registry.ts";
import { createSockets, type Sockets } from "./sockets.ts";
import { createWatchBudget } from "./watch-budget.ts";
import type { Socket, SocketEvents } from "../connection/socket.ts";
import { createAwakeClock } from "../internal/awake.ts";
import { applyConsequences } from "../log/log-kinds.ts";
import type { Identity, LogEntry, Session } from "../model.ts";

export type { HubEvent, HubOptions } from "./hub-options.ts";

/** All sockets of a database on this node. */
export type Hub = {
  /** Takes over an open socket; returns the events that its adapter must report. */
  connect(socket: Socket, session: Session, options: Arrival): SocketEvents;
  /** Whether one more connection of this user, from this address, may open. */
  hasRoom(session: Identity, address?: string): boolean;
  /** Notes revocations from before this hub was there: upgrades that the host admitted before them may still open. */
  noteRevocations(entries: readonly LogEntry[]): void;
  /** Whether there are no connections. */
  isEmpty(): boolean;
  /** The milliseconds since a client last did something here, or the log last grew. */
  quietMs(): number;
  /**
   * The milliseconds since a user did something on a device (an empty one: on any), on whatever node; null: they have no connection with it.
   * "unknown": another node is being asked.
   */
  idleMs(identity: Identity, device: string): number | null | "unknown";
  /** Closes all sockets with 1012, in waves; resolves when they are gone, or after `deadlineMs` without them. */
  stop(deadlineMs: number, reason?: string): Promise<void>;
  /** Sizes of everything that the hub, and others that share with it, hold: each is 0 once all connections are gone. */
  sizes(): ReturnType<Sockets["sizes"]> & ReturnType<People["sizes"]> & { readonly watchedNames: number };
};

/** Deadlines are checked at least this often, in milliseconds. */
const beatMsMax = 1_000;

export function createHub(options: HubOptions): Hub {
  const { store, feed, clock, limits, policy, limiter, reauthenticate, report, node = "" } = options;
  const { watchBudget = createWatchBudget(limits) } = options;
  const groups = createGroupPresences({ store, feed });
  const registry = withGroups(createRegistry(), groups);
  const beatMs = Math.min(beatMsMax, limits.heartbeatMs / 4);
  const awake = createAwakeClock(clock, 2 * beatMs);
  let activeAt = clock.elapsed();
  const onActive = (): void => void (activeAt = clock.elapsed());

  const people = createPeople({
    ...{ store, feed, clock, awake, limits, policy, transport: options.transport, node, registry, watchBudget },
    report: (fault) => report({ type: "fault", fault }),
  });
  const { relationships, presence, sendVolatile } = people;
  const services = { store, sendVolatile, relationships, policy, presence, limiter, reauthenticate, limits };
  const handle = createDispatch(services, limits);
  feed.onEntries(createFanOut({ registry, groups, limits }, limiter));
  feed.onEntries(onActive);
  const sockets = createSockets({ ...options, awake, beatMs, registry, people, handle, onActive });
  const consequences = { revoke: sockets.revoke };
  feed.onEntries((entries) => {
    for (const entry of entries) applyConsequences(entry, consequences);
  });

  return {
    connect: sockets.connect,
    hasRoom: sockets.hasRoom,
    noteRevocations(entries) {
      for (const entry of entries) applyConsequences(entry, { revoke: sockets.noteRevocation });
    },
    isEmpty: () => sockets.size() === 0,
    quietMs: () => clock.elapsed() - activeAt,
    idleMs: people.idleMs,
    async stop(deadlineMs, reason = "the server is restarting") {
      await sockets.stop(deadlineMs, reason);
      people.stop();
    },
    sizes: () => ({ ...sockets.sizes(), watchedNames: watchBudget.names(), ...people.sizes() }),
  };
}
