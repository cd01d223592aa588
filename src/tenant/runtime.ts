import type { Log } from "../internal/logger.ts";
import { createFeed, type Feed, type FeedCounts } from "../feed/feed.ts";
import { createCommitNotices } from "../feed/commit-notices.ts";
import type { Transport } from "../bus/transport.ts";
import { createDeviceSweep, type DeviceSweep } from "./device-sweep.ts";
import { createHub, type Hub, type HubEvent, type HubOptions } from "../hub/hub.ts";
import { createPolicy, type Policy, type PolicyOptions } from "../access/policy.ts";
import { createHookFollower, type HookFollower } from "../hook/follower.ts";
import type { HookHealth } from "../hook/hook-health.ts";
import type { NamedHook } from "../hook/message-hook.ts";
import { createSparing } from "../internal/sparing.ts";
import { waitAtMost } from "../internal/deadline.ts";
import { createPushWorker, type PushWorker, type PushWorkerOptions } from "../push/worker.ts";
import type { Engine } from "../store/engine/engine.ts";
import { isDamage } from "../store/engine/failure.ts";
import { createStore } from "../store/libsql-store.ts";
import type { Store } from "../store/store.ts";
import type { HistoryChange, KnownHistories } from "../store/one-history.ts";

/** What all databases of a chat share: the host's rules and hooks, and the bounds of the whole process. */
export type DatabaseContext = Pick<HubOptions, "clock" | "limits" | "revalidation" | "reauthenticate"> &
  Required<Pick<HubOptions, "limiter" | "capacity" | "budget" | "watchBudget">> &
  Pick<PolicyOptions, "authorize" | "canSee" | "sight"> &
  Pick<PushWorkerOptions, "random" | "providers" | "onPush" | "requestLimit" | "health"> & {
    /** Default: one (see `ChatOptions`). */
    readonly accountsPerDevice?: "one" | "several" | undefined;
    readonly hooks: readonly NamedHook[];
    readonly hookHealth: HookHealth;
  };

export type RuntimeOptions = {
  readonly engine: Engine;
  /** How the nodes on this database speak to each other, where there are others. */
  readonly bus: Transport | undefined;
  readonly log: Log;
  /** A connection has gone. */
  readonly onLeave: () => void;
  /** What earlier runtimes saw of this database. After others, the sockets that they admitted are not served. */
  readonly known: KnownHistories;
  /** The history of this runtime has ended. */
  readonly onHistoryChange: (change: HistoryChange) => void;
};

/** Everything that works on one history of one database. */
export type Runtime = {
  readonly store: Store;
  readonly hub: Hub;
  /** The name of its history. */
  readonly epoch: string;
  /** The parts that routes use. */
  readonly parts: {
    readonly store: Store;
    readonly policy: Policy;
    readonly connect: Hub["connect"];
    readonly push: Pick<DatabaseContext, "providers" | "accountsPerDevice">;
  };
  /** Whether a user is still to be notified, now or later, or a hook of the host has not had every message yet. Rejects with `unavailable`. */
  isWorking(): Promise<boolean>;
  /**
   * Answers the sends under way, closes the sockets with 1012 in waves, and commits the rest. Resolves within the time; `closing` resolves
   * once the store, which may hang, has released the database.
   */
  close(deadlineMs: number, reason?: string): Promise<{ readonly closing: Promise<void> }>;
  /** The history has ended: writes nothing more, answers waiting requests with `unavailable`, and closes the sockets with 1012. */
  abandon(deadlineMs: number, reason?: string): Promise<void>;
  /** Since it was opened: commits that were applied as they came, and stretches of the log that were read in their place. */
  counts(): FeedCounts;
  /** Sizes of the state in memory: 0 once all clients have left. */
  sizes(): Readonly<Record<string, number>>;
};

/** How far back a new runtime reads the ended sessions: the longest time of an upgrade, and the difference of clocks. */
const recentRevocationsMs = 120_000;
/** Faults of the store are reported at most this often for each hook. */
const faultEveryMs = 60_000;
/** The part of a shutdown that is kept for the store's last commits. */
const storeCloseMsMax = 2_000;

/**
 * Opens the store of one history of a database, and all that follows its log: feed, hub, hooks and push worker. When the database gets another
 * history, nothing that they know holds, so all of it is abandoned: the sockets are closed and a new runtime is opened.
 *
 * Rejects with `unavailable` where the database does not answer.
 */
export async function openRuntime(options: RuntimeOptions, context: DatabaseContext): Promise<Runtime> {
  const { engine, bus, log, known, onLeave, onHistoryChange } = options;
  const { clock, random, limits, providers, accountsPerDevice } = context;
  const isRenewal = known.size > 0;
  const store = createStore({
    ...{ engine, clock, random, limits, known, onHistoryChange },
    onFault: createFaultReport(log),
  });
  const feed = createFeed({
    ...{ store, clock, limits },
    notices: bus && createCommitNotices(bus, { charsMax: limits.hintCharsMax, clock }),
    jitter: () => random.integer() / 2 ** 52 - 0.5,
  });
  /** What follows the log, as far as it was made. */
  const made: { followers: readonly HookFollower[]; worker?: PushWorker | null; hub?: Hub; sweep?: DeviceSweep } = {
    followers: [],
  };

  async function abandon(deadlineMs: number, reason = "the database has another history"): Promise<void> {
    made.sweep?.stop();
    for (const follower of made.followers) follower.abandon();
    made.worker?.abandon();
    feed.stop();
    await store.abandon();
    await made.hub?.stop(deadlineMs, reason);
  }

  try {
    await feed.start();
    const { authorize, canSee, sight, limiter, capacity, budget, watchBudget, revalidation, reauthenticate } = context;
    const policy = createPolicy({
      ...{ authorize, canSee, sight, store, clock, answerMs: limits.hostAnswerMs },
      report: (error) => log.error("a rule of the host failed", { error }),
    });
    const report = createHubReport(log, onLeave);
    const hub = (made.hub = createHub({
      ...{ store, feed, clock, limits, policy, limiter, capacity, budget, revalidation, report },
      ...{ reauthenticate, watchBudget, transport: bus, node: random.messageId(clock.now()) },
      ...(isRenewal && { admittedSince: clock.elapsed() }),
    }));
    const followers = (made.followers = context.hooks.map((hook) =>
      createHookFollower({
        ...{ hook, store, feed, clock, random, limits, health: context.hookHealth },
        isExclusive: engine.isExclusive === true,
        report: createSparing({
          ...{ clock, everyMs: faultEveryMs },
          report: (error, leftOut) =>
            log.warn("onMessage cannot go on in the log yet; it is tried again", { hook: hook.name, error, leftOut }),
        }),
      }),
    ));
    // Upgrades that were admitted before this runtime existed open on it.
    hub.noteRevocations(await store.revocations(clock.now() - recentRevocationsMs));
    // Before anything is accepted here: a new hook misses nothing of it.
    for (const follower of followers) await follower.begin();
    const worker = (made.worker = createWorker({ ...options, store, feed, hub }, context));
    worker?.start();
    for (const follower of followers) follower.start();
    const sweep = (made.sweep = createDeviceSweep({
      ...{ store, clock, limits },
      report: (error) => log.warn("devices that were not seen for long cannot be forgotten yet", { error }),
    }));

    return {
      ...{ store, hub, epoch: feed.epoch() },
      parts: { store, policy, connect: hub.connect, push: { providers, accountsPerDevice } },

      isWorking: async () => followers.some((follower) => follower.isBusy()) || ((await worker?.isBusy()) ?? false),

      async close(deadlineMs, reason) {
        sweep.stop();
        const storeMs = Math.min(storeCloseMsMax, deadlineMs / 4);
        const openMs = deadlineMs - storeMs;
        const following = Promise.all(followers.map((follower) => follower.stop(openMs)));
        await worker?.stop(openMs / 4);
        feed.stop();
        await hub.stop((openMs * 3) / 4, reason);
        await following;
        const closing = store.close();
        // A store that hangs must not keep the process.
        await waitAtMost(closing, { clock, ms: storeMs });
        return { closing };
      },

      abandon,
      counts: feed.counts,
      sizes: () => ({ ...hub.sizes(), ...worker?.sizes() }),
    };
  } catch (error) {
    await abandon(0);
    throw error;
  }
}

/** null: there is no provider. */
function createWorker(
  { engine, log, store, feed, hub }: RuntimeOptions & Pick<Runtime, "store" | "hub"> & { readonly feed: Feed },
  { clock, random, limits, providers, onPush, requestLimit, health }: DatabaseContext,
): PushWorker | null {
  if (providers.length === 0) return null;
  return createPushWorker({
    ...{ store, feed, clock, random, limits, providers, onPush, requestLimit, health },
    idleMsOf: hub.idleMs,
    isExclusive: engine.isExclusive === true,
    onCut: (cut) => log.warn("a push was too long, or of what its provider does not take, and was cut", cut),
    report: (error, leftOut = 0) => log.warn("a push failed", { error, ...(leftOut > 0 && { leftOut }) }),
  });
}

function createHubReport(log: Log, onLeave: () => void): (event: HubEvent) => void {
  return (event) => {
    const { type, ...properties } = event;
    if (event.type === "fault") log.error("a connection failed", { error: event.fault });
    else if (event.type === "default device shared")
      log.warn(
        "a user has two connections without a device: where these are two installations, each must name its own (`/ws?device=…`), or one misses what the other has acked",
        properties,
      );
    else log.debug(type, properties);
    if (event.type === "disconnected") onLeave();
  };
}

/** Logs every fault of the store, and once that the database is damaged. */
function createFaultReport(log: Log): (error: unknown) => void {
  let isDamageSaid = false;
  return (error) => {
    log.error("the store failed", { error });
    if (isDamageSaid || !isDamage(error)) return;
    isDamageSaid = true;
    log.fatal("the database is damaged, and nothing is accepted any more: stop the server and restore a backup", {
      error,
    });
  };
}
