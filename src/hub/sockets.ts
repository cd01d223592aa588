import { createConnectionQueues } from "./connection-queues.ts";
import { createDefaultDeviceWatch } from "./default-device.ts";
import type { Arrival, HubOptions } from "./hub-options.ts";
import { connectionsAtOnce, inTurns } from "./in-turns.ts";
import type { People } from "./people.ts";
import type { Registry } from "./registry.ts";
import { createRevocations } from "./revocations.ts";
import { startRounds } from "./rounds.ts";
import { createCapacity } from "../access/capacity.ts";
import { type Connection, type ConnectionContext, createConnection } from "../connection/connection.ts";
import { createOutboxBudget } from "../connection/outbox-budget.ts";
import { createSendWindow } from "../connection/send-window.ts";
import type { Socket, SocketEvents } from "../connection/socket.ts";
import { type Clock, nextTurn } from "../internal/clock.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Identity, Revocation, Session } from "../model.ts";
import { closeCode } from "../protocol/close-code.ts";

export type SocketsOptions = Omit<HubOptions, "policy" | "reauthenticate" | "transport" | "node" | "watchBudget"> & {
  readonly awake: Clock;
  readonly beatMs: number;
  readonly registry: Registry;
  readonly people: People;
  readonly handle: ConnectionContext["handle"];
  readonly onActive: () => void;
};

/** No upgrade takes longer than this, in milliseconds: the host's answer, the database's opening and the handshake. */
const upgradeMsMax = 60_000;
/** A shutdown closes some sockets, then waits this long, so that their clients do not all come back at once. Milliseconds. */
const closeWaveMs = 50;

type Refusal = { readonly code: number; readonly reason: string };

/** The sockets of a hub, from their upgrade until they are gone. */
export function createSockets(options: SocketsOptions) {
  const { store, feed, clock, awake, beatMs, limits, limiter, registry, people, handle, onActive, report } = options;
  const { capacity = createCapacity(limits), budget = createOutboxBudget({ bytesMax: limits.outboxTotalBytesMax }) } =
    options;
  const { revalidation, admittedSince = -Infinity } = options;
  const noteDevice = createDefaultDeviceWatch(({ tenant, user }) =>
    report({ type: "default device shared", tenant, user }),
  );
  const revocations = createRevocations({ clock, keptMs: upgradeMsMax });
  const sendWindow = createSendWindow({ windowMax: limits.sendWindow, sendsMax: limits.commitSendsMax });
  const queues = createConnectionQueues({ clock, cursorDelayMs: limits.emptyChangesDelayMs });
  /** All sockets, also those that are not yet, or no longer, in the registry. */
  const all = new Set<Connection>();
  let isStopped = false;

  const hasRoom = (session: Identity, address?: string): boolean => capacity.has({ session, address });

  const context: ConnectionContext = {
    ...{ store, clock, awake, limits, budget, sendWindow, limiter, handle, leave, onActive },
    join(connection) {
      people.joined(connection.session);
      // Before its position is taken: no later entry of this user is left out.
      feed.need(connection.session);
      return registry.join(connection.session, connection, feed.position());
    },
    scheduleFlush: queues.pendingFlush.add,
    scheduleCursor: queues.pendingCursor.add,
    soon: queues.soon.add,
    report: (fault) => report({ type: "fault", fault }),
  };

  function leave(connection: Connection, code: number): void {
    const { session, device } = connection;
    if (!all.delete(connection)) return;
    queues.delete(connection);
    people.presence.forget(connection);
    if (registry.leave(session, connection)) {
      feed.release(session);
      people.left(session);
    }
    capacity.leave(connection);
    report({ type: "disconnected", tenant: session.tenant, user: session.user, device, code });
  }

  /** The reason for which this socket must not open; null: it may. `isFull`: others have taken the room that there was before its upgrade. */
  function refusalOf(session: Session, arrival: Arrival, isFull: boolean): Refusal | null {
    const { admittedAt = clock.elapsed(), device } = arrival;
    const reason = revocations.reasonAgainst(session, { device, admittedAt });
    if (reason !== null) return { code: closeCode.sessionEnded, reason };
    if (isFull) return { code: closeCode.rateLimited, reason: "too many connections" };
    if (isStopped) return { code: closeCode.restart, reason: "the server is restarting" };
    if (admittedAt >= admittedSince) return null;
    return { code: closeCode.restart, reason: "the database has another history" };
  }

  const cancelRounds = startRounds({
    ...{ items: all, clock, everyMs: beatMs },
    look(connection) {
      connection.beat();
      revalidation?.beat(connection);
    },
    onEnd() {
      awake.elapsed();
      people.presence.beat();
      revocations.beat();
    },
  });

  return {
    connect(socket: Socket, session: Session, arrival: Arrival): SocketEvents {
      const isFull = !hasRoom(session, arrival.address);
      const { connection, events } = createConnection({ socket, session, ...arrival }, context);
      const { tenant, user } = session;
      const { device } = arrival;
      onActive();
      all.add(connection);
      noteDevice(session, device, registry.everyOf(session));
      registry.enter(session, connection);
      capacity.enter(connection);
      report({ type: "connected", tenant, user, device });
      const refusal = refusalOf(session, arrival, isFull);
      // Closing waits until the adapter has the events.
      if (refusal) queueMicrotask(() => connection.close(refusal.code, refusal.reason));
      else connection.start();
      return events;
    },
    hasRoom,
    /** Notes a revocation, for sockets that open after it. */
    noteRevocation: revocations.note,
    /** Ends these sessions, also those of sockets that are not open yet. */
    revoke(tenant: string, revocation: Revocation): void {
      const { user, device, reason } = revocation;
      revocations.note(tenant, revocation);
      for (const connection of registry.everyOf({ tenant, user }))
        if (device === undefined || connection.device === device) connection.close(closeCode.sessionEnded, reason);
    },
    size: (): number => all.size,
    /** Answers the sends that wait, then closes all sockets in waves. */
    async stop(deadlineMs: number, reason: string): Promise<void> {
      isStopped = true;
      cancelRounds();
      const end = clock.elapsed() + deadlineMs;
      // Sends that wait are answered first, unless the store takes too long.
      await waitAtMost(store.drained(), { clock, ms: deadlineMs / 2 });
      await queues.pendingFlush.finish();
      await closeInWaves(all, { clock, awake, end, reason });
      queues.stop();
    },
    sizes: () => ({
      connections: all.size,
      joined: registry.size(),
      users: registry.users(),
      ...capacity.sizes(),
      pendingFlush: queues.pendingFlush.size(),
      pendingCursor: queues.pendingCursor.size(),
      outboxBytes: budget.bytes(),
      senders: sendWindow.senders(),
    }),
  };
}

export type Sockets = ReturnType<typeof createSockets>;

type Waves = { readonly clock: Clock; readonly awake: Clock; readonly end: number; readonly reason: string };

/** Closes all connections with 1012, in waves; resolves when they are gone. At `end`, by the clock's `elapsed()`, those that are left are dropped. */
async function closeInWaves(connections: ReadonlySet<Connection>, waves: Waves): Promise<void> {
  const { clock, awake, end, reason } = waves;
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void awake.after(ms, resolve));
  const waiting = [...connections];
  for (let i = 0; i < waiting.length; i += connectionsAtOnce) {
    for (const connection of waiting.slice(i, i + connectionsAtOnce)) connection.close(closeCode.restart, reason);
    const wavesLeft = Math.ceil((waiting.length - i) / connectionsAtOnce);
    const waitMs = Math.min(closeWaveMs, (end - clock.elapsed()) / wavesLeft);
    await (waitMs > 0 ? wait(waitMs) : nextTurn(clock));
  }
  while (connections.size > 0 && clock.elapsed() < end) await wait(closeWaveMs);
  await inTurns([...connections], { clock, each: (connection) => connection.terminate() });
}
