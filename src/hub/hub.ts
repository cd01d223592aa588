import { type OutboxBudget, createOutboxBudget } from "../connection/outbox-budget.ts";
import { createSendWindow } from "../connection/send-window.ts";
import type { Socket, SocketEvents } from "../connection/socket.ts";
import type { Transport } from "../bus/transport.ts";
import type { Feed } from "../feed/feed.ts";
import { createAwakeClock } from "../internal/awake.ts";
import type { Clock } from "../internal/clock.ts";
import { waitAtMost } from "../internal/deadline.ts";
import { applyConsequences } from "../log/log-kinds.ts";
import type { Identity, LogEntry, Revocation, Session } from "../model.ts";
import { closeCode } from "../protocol/close-code.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";
import { createCluster } from "./cluster.ts";
import { type Connection, type ConnectionOptions, createConnection } from "../connection/connection.ts";
import { createDefaultDeviceWatch } from "./default-device.ts";
import { createDispatch } from "./dispatch.ts";
import { createFanOut } from "./fan-out.ts";
import type { Limiter } from "../access/limiter.ts";
import type { Policy } from "../access/policy.ts";
import { createPresence } from "./presence.ts";
import { createRegistry } from "./registry.ts";
import type { Reauthenticate } from "../access/reauthenticate.ts";
import type { Revalidation } from "./revalidation.ts";
import { createRevocations } from "./revocations.ts";
import { createCapacity, type Capacity } from "../access/capacity.ts";
import { createRelationshipCache } from "./relationship-cache.ts";
import { createWatchBudget, type WatchBudget } from "./watch-budget.ts";
import { connectionsAtOnce, createBacklog, inTurns, nextTurn, startRounds } from "./turns.ts";

export type HubEvent =
  | {
      readonly type: "connected" | "disconnected";
      readonly tenant: string;
      readonly user: string;
      readonly device: string;
      readonly code?: number;
    }
  /** Two connections of the default device are open at a time: see `default-device.ts`. */
  | { readonly type: "default device shared"; readonly tenant: string; readonly user: string }
  | { readonly type: "fault"; readonly fault: unknown };

export type HubOptions = {
  /** Asks the host from time to time whether a session still holds; default: nobody is asked. */
  readonly revalidation?: Revalidation | undefined;
  /** Asks the host who brings a token on an open socket; default: nobody can be asked. */
  readonly reauthenticate?: Reauthenticate | undefined;
  /** The limits of connections, and what may wait to go out over them: of the process, whose hubs share them. Default: its own. */
  readonly room?: Capacity;
  readonly budget?: OutboxBudget;
  /** What may be watched, of the process too. Default: its own. */
  readonly watchBudget?: WatchBudget;
  readonly store: Store;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly policy: Policy;
  /** Who may do how much; default: anybody anything. */
  readonly limiter?: Limiter | undefined;
  /** How this node and the others speak to each other, where there are others. */
  readonly transport?: Transport | undefined;
  /** This node's own name; needed with a transport. */
  readonly node?: string;
  /**
   * Upgrades that the host admitted before this, as the clock's `elapsed()` says, were admitted under a history that has ended, with revocations that
   * this one need not know: they are closed as its sockets were. Default: there was none.
   */
  readonly admittedSince?: number;
  readonly report: (event: HubEvent) => void;
};

/** Whose device a socket is of, where it goes on, and from where it came. */
type Place = Omit<ConnectionOptions, "socket" | "session"> & {
  /** When the host was asked about it, as the clock's `elapsed()` says; default: now. */
  readonly admittedAt?: number;
};

/** Deadlines are looked after at least this often. */
const beatMsMax = 1_000;
/** A shutdown closes some sockets, then waits so long, so that their clients do not all come back at once. */
const closeWaveMs = 50;
/** No upgrade takes longer than this: the host's answer, the database's opening and the handshake. */
const upgradeMsMax = 60_000;

/** Who is here, and what happens to a frame. */
export function createHub({
  store,
  feed,
  clock,
  limits,
  policy,
  limiter,
  transport,
  node = "",
  admittedSince = -Infinity,
  revalidation,
  reauthenticate,
  room = createCapacity(limits),
  budget = createOutboxBudget({ bytesMax: limits.outboxTotalBytesMax }),
  watchBudget = createWatchBudget(limits),
  report,
}: HubOptions) {
  const registry = createRegistry();
  const noteDevice = createDefaultDeviceWatch(({ tenant, user }) =>
    report({ type: "default device shared", tenant, user }),
  );
  const revocations = createRevocations({ clock, keptMs: upgradeMsMax });
  const share = createSendWindow({ windowMax: limits.sendWindow, sendsMax: limits.commitSendsMax });
  /** Every socket, also those that are not yet, or no longer, in the registry. */
  const all = new Set<Connection>();
  const beatMs = Math.min(beatMsMax, limits.heartbeatMs / 4);
  const awake = createAwakeClock(clock, 2 * beatMs);
  let isStopped = false;
  /** When somebody last did something here, or was told something. */
  let actedAt = clock.elapsed();
  const acted = (): void => void (actedAt = clock.elapsed());
  let cancelEmpty = (): void => {};

  const dirty = createBacklog<Connection>({
    clock,
    begin: queueMicrotask,
    work(connection) {
      try {
        connection.flush();
      } catch (fault) {
        connection.fail(fault);
      }
    },
  });
  const owing = createBacklog<Connection>({
    clock,
    begin: (run) => void (cancelEmpty = clock.after(limits.emptyChangesDelayMs, run)),
    work: (connection) => connection.settleDebt(),
  });
  const soon = createBacklog<() => void>({ clock, begin: (run) => clock.defer(run), work: (task) => task() });

  function hintHere({ tenant, user }: Identity, text: string): void {
    for (const connection of registry.find(tenant, user)?.connections ?? []) connection.hint(text);
  }

  function hint(tenant: string, user: string, text: string): void {
    hintHere({ tenant, user }, text);
    cluster?.frame({ tenant, user }, text);
  }

  const cluster =
    transport &&
    createCluster({
      ...{ transport, feed, clock: awake, node },
      onFrame: hintHere,
      devicesOf: ({ tenant, user }) =>
        Array.from(
          registry.find(tenant, user)?.connections ?? [],
          ({ device, silentMs }) => [device, silentMs()] as const,
        ),
      isPresent: (identity) => presence.isHere(identity),
      onPresence: (identity) => presence.moved(identity),
    });
  cluster?.start();

  const ties = createRelationshipCache({
    store,
    feed,
    clock,
    onChange: (tenant, one, other) => presence.review(tenant, one, other),
  });
  const presence = createPresence({
    ...{ store, ties, policy, clock: awake, limits, cluster, budget: watchBudget },
    viewersOf: ({ tenant, user }) => registry.find(tenant, user)?.connections ?? [],
    report: (fault) => report({ type: "fault", fault }),
  });
  const handle = createDispatch({ store, clock, hint, ties, policy, presence, limiter, reauthenticate }, limits);
  feed.onEntries(createFanOut(registry, limiter));
  feed.onEntries(acted);
  const consequences = { revoke };
  feed.onEntries((entries) => {
    for (const entry of entries) applyConsequences(entry, consequences);
  });

  /** Ends those too that are not open yet. */
  function revoke(tenant: string, revocation: Revocation): void {
    const { user, device, reason } = revocation;
    revocations.note(tenant, revocation);
    for (const connection of registry.everyOf({ tenant, user }))
      if (device === undefined || connection.device === device) connection.close(closeCode.sessionEnded, reason);
  }

  function leave(connection: Connection, code: number): void {
    const { session, device } = connection;
    if (!all.delete(connection)) return;
    dirty.delete(connection);
    owing.delete(connection);
    presence.forget(connection);
    if (registry.leave(session, connection)) {
      cluster?.leave(session);
      presence.departed(session);
    }
    room.leave(connection);
    report({ type: "disconnected", tenant: session.tenant, user: session.user, device, code });
  }

  const cancelRounds = startRounds({
    ...{ items: all, clock, everyMs: beatMs },
    look(connection) {
      connection.beat();
      revalidation?.beat(connection);
    },
    onEnd() {
      awake.elapsed();
      presence.beat();
      revocations.beat();
    },
  });

  const wait = (ms: number): Promise<void> => new Promise((resolve) => void awake.after(ms, resolve));

  /** Whether one more connection of this user, from this address, may open. */
  const hasRoom = (session: Identity, address?: string): boolean => room.has({ session, address });

  return {
    /** Takes over an open socket; answers what its adapter must tell it. */
    connect(socket: Socket, session: Session, options: Place): SocketEvents {
      const isFull = !hasRoom(session, options.address);
      const connection = createConnection(
        { socket, session, ...options },
        {
          store,
          clock,
          awake,
          limits,
          budget,
          share,
          limiter,
          handle,
          join(joined) {
            cluster?.join(session);
            presence.arrived(session);
            return registry.join(session, joined, feed.position());
          },
          leave,
          acted,
          touch: dirty.add,
          owe: owing.add,
          soon: soon.add,
          report: (fault) => report({ type: "fault", fault }),
        },
      );
      acted();
      all.add(connection);
      noteDevice(session, options.device, registry.everyOf(session));
      registry.enter(session, connection);
      room.enter(connection);
      report({ type: "connected", tenant: session.tenant, user: session.user, device: options.device });
      // Capacity was promised before the upgrade; others may have taken it since.
      // Closing waits until the adapter knows whom to tell of it.
      const { admittedAt = clock.elapsed(), device } = options;
      const ended = revocations.reasonAgainst(session, { device, admittedAt });
      if (ended !== null) queueMicrotask(() => connection.close(closeCode.sessionEnded, ended));
      else if (isFull) queueMicrotask(() => connection.close(closeCode.rateLimited, "too many connections"));
      else if (isStopped) queueMicrotask(() => connection.close(closeCode.restart, "the server is restarting"));
      else if (admittedAt < admittedSince)
        queueMicrotask(() => connection.close(closeCode.restart, "the database has another history"));
      else connection.start();
      return connection.events;
    },

    hasRoom,

    /** Revocations of before this hub was there: upgrades that the host admitted before them may still open. */
    noteRevocations(entries: readonly LogEntry[]): void {
      for (const entry of entries) applyConsequences(entry, { revoke: revocations.note });
    },

    /** Whether nobody is connected. */
    isEmpty: (): boolean => all.size === 0,

    /** For how long nobody has done anything, nor was told anything, over their connections. */
    quietMs: (): number => clock.elapsed() - actedAt,

    /**
     * For how long a user has done nothing on a device (an empty one: on any), on whatever node; null: they have no connection with it.
     * "unknown": another node is being asked.
     */
    silentMs({ tenant, user }: Identity, device: string): number | null | "unknown" {
      let least: number | null = null;
      for (const connection of registry.find(tenant, user)?.connections ?? [])
        if (device === "" || connection.device === device) least = Math.min(least ?? Infinity, connection.silentMs());
      return least ?? cluster?.silentMs({ tenant, user }, device) ?? null;
    },

    /** Closes every socket with 1012, in waves; resolves when all are gone, or after `deadlineMs` without them. */
    async stop(deadlineMs: number, reason = "the server is restarting"): Promise<void> {
      isStopped = true;
      cancelRounds();
      const end = clock.elapsed() + deadlineMs;
      // Sends that wait are answered first, unless the store keeps us waiting too.
      await waitAtMost(store.drained(), { clock, ms: deadlineMs / 2 });
      await dirty.finish();
      const waiting = [...all];
      for (let i = 0; i < waiting.length; i += connectionsAtOnce) {
        for (const connection of waiting.slice(i, i + connectionsAtOnce)) connection.close(closeCode.restart, reason);
        const wavesLeft = Math.ceil((waiting.length - i) / connectionsAtOnce);
        const waitMs = Math.min(closeWaveMs, (end - clock.elapsed()) / wavesLeft);
        await (waitMs > 0 ? wait(waitMs) : nextTurn(clock));
      }
      while (all.size > 0 && clock.elapsed() < end) await wait(closeWaveMs);
      await inTurns([...all], { clock, each: (connection) => connection.terminate() });
      cancelEmpty();
      presence.stop();
      cluster?.stop();
    },

    /** Sizes of what the hub, and whoever shares with it, holds: each is 0 once everybody has left. */
    sizes: () => ({
      connections: all.size,
      joined: registry.size(),
      users: registry.users(),
      ...room.sizes(),
      dirty: dirty.size(),
      owing: owing.size(),
      outboxBytes: budget.bytes(),
      watchedNames: watchBudget.names(),
      senders: share.senders(),
      ...presence.sizes(),
      ...cluster?.sizes(),
    }),
  };
}

export type Hub = ReturnType<typeof createHub>;
