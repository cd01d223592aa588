import type { Log } from "../internal/logger.ts";
import type { OutboxBudget } from "../connection/outbox-budget.ts";
import { createFeed } from "../feed/feed.ts";
import { createCommitNotices } from "../feed/commit-notices.ts";
import type { Transport } from "../bus/transport.ts";
import { createHub, type HubEvent } from "../hub/hub.ts";
import type { Reauthenticate } from "../access/reauthenticate.ts";
import type { Limiter } from "../access/limiter.ts";
import { type Authorize, type CanSee, createPolicy } from "../access/policy.ts";
import type { Revalidation } from "../hub/revalidation.ts";
import type { Capacity } from "../access/capacity.ts";
import type { WatchBudget } from "../hub/watch-budget.ts";
import { createHookFollower } from "../hook/follower.ts";
import type { HookHealth } from "../hook/hook-health.ts";
import type { NamedHook } from "../hook/message-hook.ts";
import type { Clock } from "../internal/clock.ts";
import type { Semaphore } from "../internal/semaphore.ts";
import type { Random } from "../internal/random.ts";
import { createSparing } from "../internal/sparing.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Limits } from "../protocol/limits.ts";
import type { OnPush } from "../push/preview.ts";
import type { PushProvider } from "../push/provider.ts";
import type { PushHealth } from "../push/health.ts";
import type { RequestLimit } from "../push/request-limit.ts";
import { createPushWorker } from "../push/worker.ts";
import type { Engine } from "../store/engine/engine.ts";
import { isDamage } from "../store/engine/failure.ts";
import { createStore } from "../store/libsql-store.ts";
import type { HistoryChange, KnownHistories } from "../store/one-history.ts";

/** What a chat gives to each of its databases: what is the host's, and what bounds the process and not a database. */
export type DatabaseContext = {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly authorize?: Authorize | undefined;
  readonly canSee?: CanSee | undefined;
  readonly providers: readonly PushProvider[];
  readonly accountsPerDevice?: "one" | "several" | undefined;
  readonly onPush?: OnPush | undefined;
  readonly limiter: Limiter;
  readonly room: Capacity;
  readonly budget: OutboxBudget;
  readonly watchBudget: WatchBudget;
  readonly sight: Semaphore;
  readonly requestLimit: RequestLimit;
  readonly health: PushHealth;
  readonly hooks: readonly NamedHook[];
  readonly hookHealth: HookHealth;
  readonly revalidation: Revalidation | undefined;
  readonly reauthenticate?: Reauthenticate | undefined;
};

export type RuntimeOptions = {
  readonly engine: Engine;
  /** How the nodes on this database speak to each other, where there are others. */
  readonly bus: Transport | undefined;
  readonly log: Log;
  /** A connection has gone. */
  readonly onLeave: () => void;
  /** What was seen of this database before, by other runtimes: where there were any, what these had admitted is not served. */
  readonly known: KnownHistories;
  /** The history that this runtime serves has ended. */
  readonly onHistoryChange: (change: HistoryChange) => void;
};

/** How far back a new runtime looks for sessions that were ended: as long as an upgrade may take, and for clocks that differ. */
const recentRevocationsMs = 120_000;
/** What the store could not do for a hook is told so often at most. */
const faultEveryMs = 60_000;
/** The part of a shutdown that is kept for the store's last commits. */
const storeCloseMsMax = 2_000;

/**
 * The store of one history of a database, and all that follows its log: feed, hub and push worker. When the database gets another history, none of what
 * they know holds, so none of it is kept: the sockets are closed and a new runtime is opened.
 *
 * Rejects with `unavailable` where the database does not answer.
 */
export async function openRuntime(options: RuntimeOptions, context: DatabaseContext) {
  const { engine, bus, log, known, onLeave, onHistoryChange } = options;
  const { clock, random, limits, providers, onPush, requestLimit, health } = context;
  const isRenewal = known.size > 0;

  function report(event: HubEvent): void {
    const { type, ...properties } = event;
    if (event.type === "fault") log.error("a connection failed", { error: event.fault });
    else if (event.type === "default device shared")
      log.warn(
        "a user has two connections without a device: where these are two installations, each must name its own (`/ws?device=…`), or one misses what the other has acked",
        properties,
      );
    else log.debug(type, properties);
    if (event.type === "disconnected") onLeave();
  }

  let isDamageSaid = false;
  function reportFault(error: unknown): void {
    log.error("the store failed", { error });
    if (isDamageSaid || !isDamage(error)) return;
    isDamageSaid = true;
    log.fatal("the database is damaged, and nothing is accepted any more: stop the server and restore a backup", {
      error,
    });
  }

  const store = createStore({
    ...{ engine, clock, random, limits, known, onHistoryChange },
    onFault: reportFault,
  });
  const feed = createFeed({
    ...{ store, clock, limits },
    notices: bus && createCommitNotices(bus, { charsMax: limits.hintCharsMax, clock }),
    jitter: () => random.integer() / 2 ** 52 - 0.5,
  });
  try {
    await feed.start();
  } catch (error) {
    feed.stop();
    await store.abandon();
    throw error;
  }
  const policy = createPolicy({
    ...{ authorize: context.authorize, canSee: context.canSee, store, clock, answerMs: limits.hostAnswerMs },
    sight: context.sight,
    report: (error) => log.error("a rule of the host failed", { error }),
  });
  const { limiter, room, budget, watchBudget, revalidation } = context;
  const hub = createHub({
    ...{ store, feed, clock, limits, policy, limiter, room, budget, revalidation, report },
    reauthenticate: context.reauthenticate,
    ...{ watchBudget, transport: bus, node: random.messageId(clock.now()) },
    ...(isRenewal && { admittedSince: clock.elapsed() }),
  });
  const followers = context.hooks.map((hook) =>
    createHookFollower({
      ...{
        hook,
        store,
        feed,
        clock,
        random,
        limits,
        isExclusive: engine.isExclusive === true,
        health: context.hookHealth,
      },
      report: createSparing({
        ...{ clock, everyMs: faultEveryMs },
        report: (error, leftOut) =>
          log.warn("onMessage cannot go on in the log yet; it is tried again", { hook: hook.name, error, leftOut }),
      }),
    }),
  );
  try {
    // Upgrades that were admitted before this runtime was there open on it.
    hub.noteRevocations(await store.revocations(clock.now() - recentRevocationsMs));
    // Before anything is accepted here: a hook that is new misses nothing of it.
    for (const follower of followers) await follower.begin();
  } catch (error) {
    feed.stop();
    await store.abandon();
    await hub.stop(0);
    throw error;
  }
  const worker =
    providers.length === 0
      ? null
      : createPushWorker({
          ...{ store, feed, clock, random, limits, providers, onPush, requestLimit, health },
          idleMsOf: hub.idleMs,
          isExclusive: engine.isExclusive === true,
          onCut: (cut) => log.warn("a push was too long, or of what its provider does not take, and was cut", cut),
          report: (error, leftOut = 0) => log.warn("a push failed", { error, ...(leftOut > 0 && { leftOut }) }),
        });
  worker?.start();
  for (const follower of followers) follower.start();

  return {
    store,
    hub,
    /** The name of the history that it serves. */
    epoch: feed.epoch(),
    /** What the routes use of it. */
    parts: { store, policy, connect: hub.connect, push: { providers, accountsPerDevice: context.accountsPerDevice } },

    /** Whether somebody is still to be notified, now or later, or a hook of the host has not had every message yet. Rejects with `unavailable`. */
    isWorking: async (): Promise<boolean> =>
      followers.some((follower) => follower.isBusy()) || ((await worker?.isBusy()) ?? false),

    /**
     * Answers the sends under way, closes the sockets with 1012 in waves, and commits what waits. Resolves within the time; `closing`: the
     * store, which may hang, has released the database.
     */
    async close(deadlineMs: number, reason?: string): Promise<{ readonly closing: Promise<void> }> {
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

    /** The history has ended for this runtime: writes nothing more, answers what waits `unavailable`, and closes the sockets with 1012. */
    async abandon(deadlineMs: number, reason = "the database has another history"): Promise<void> {
      for (const follower of followers) follower.abandon();
      worker?.abandon();
      feed.stop();
      await store.abandon();
      await hub.stop(deadlineMs, reason);
    },

    counts: feed.counts,

    /** Sizes of what is held in memory: 0 once everybody has left. */
    sizes: (): Readonly<Record<string, number>> => ({ ...hub.sizes(), ...worker?.sizes() }),
  };
}

export type Runtime = Awaited<ReturnType<typeof openRuntime>>;
