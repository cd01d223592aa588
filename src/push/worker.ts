import type { Feed } from "../feed/feed.ts";
import { createLease } from "../feed/lease.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import { createSparing } from "../internal/sparing.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Identity } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";
import type { PushCut } from "./delivery.ts";
import type { PushDelays, PushPresence } from "./decide.ts";
import { createDrafts, type OnPush } from "./preview.ts";
import { createFollower } from "./unacked.ts";
import { createPushHealth, type PushHealth, type PushHealthChange } from "./health.ts";
import { createProviderQueue } from "./provider-queue.ts";
import type { PushProvider } from "./provider.ts";
import { createRequestLimit, type RequestLimit } from "./request-limit.ts";

export type PushWorkerOptions = {
  readonly store: Pick<Store, "push" | "isAvailable">;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly providers: readonly PushProvider[];
  readonly onPush?: OnPush | undefined;
  /** Requests at a time: of the process, whose workers share them. Default: its own. */
  readonly slots?: RequestLimit;
  /** Whether providers take what they are asked: of the process too. Default: its own, which reports to `onHealth`. */
  readonly health?: PushHealth;
  readonly onHealth?: ((change: PushHealthChange) => void) | undefined;
  /** How a user is connected with one of their devices; an empty device: with any. */
  readonly presenceOf: (identity: Identity, device: string) => PushPresence | "unknown";
  /** No other process can have the database open. */
  readonly isAlone: boolean;
  /** What a provider did not take all of; told once for each provider. */
  readonly onCut?: ((cut: PushCut) => void) | undefined;
  /** `leftOut`: how many of its kind were not reported since the one before. */
  readonly report: (fault: unknown, leftOut?: number) => void;
};

/** What throws, the host's rule, a provider or the store, may throw at each message. */
const faultEveryMs = 60_000;
const pruneMs = 60_000;
/** While there is more to forget than is forgotten at once. */
const pruneAgainMs = 200;

/**
 * Notifies whoever is away: follows the log, finds the devices that have not acked in time, and sends what they are to be told, each
 * provider for itself. Of several nodes on one database one does it at a time.
 */
export function createPushWorker(options: PushWorkerOptions) {
  const { feed, clock, random, limits, providers, onPush, presenceOf, isAlone, onCut } = options;
  const { slots = createRequestLimit({ perProviderMax: limits.pushRequestsMax }) } = options;
  const sparing = () => createSparing({ clock, everyMs: faultEveryMs, report: options.report });
  const report = sparing();
  const { onHealth = () => {}, health = createPushHealth({ clock, onChange: onHealth }) } = options;
  const { push: store, isAvailable } = options.store;
  const delays: PushDelays = {
    activeMs: limits.pushActiveDelayMs,
    idleMs: limits.pushIdleDelayMs,
    expiryMs: limits.pushExpiryMs,
  };
  let cancelPrune = (): void => {};
  /** When the lease was taken. */
  let begun = { position: 0, time: 0 };

  const follower = createFollower({
    ...{ store, feed, clock, limits, delays, presenceOf, isAvailable, report },
    holder: () => lease.holder(),
    providers: new Set(providers.map(({ name }) => name)),
    userProviders: providers.filter(({ reach }) => reach === "user").map(({ name }) => name),
    onDue() {
      for (const lane of lanes) lane.pump();
    },
  });
  const lease = createLease({
    ...{ store, clock, isAlone, report },
    newName: () => random.messageId(clock.now()),
    leaseMs: limits.pushLeaseMs,
    position: follower.position,
    onTaken(n) {
      begun = { position: feed.position(), time: clock.now() };
      follower.start(n);
      for (const lane of lanes) lane.start();
      prune();
    },
    onLost: pause,
  });
  const draftOf = createDrafts({
    ...{ onPush, clock, answerMs: limits.hostAnswerMs },
    report: sparing(),
  });
  const lanes = providers.map((provider) =>
    createProviderQueue({
      ...{
        reportProvider: sparing(),
        provider,
        store,
        lease,
        clock,
        random,
        slots,
        health,
        limits,
        delays,
        draftOf,
        isAvailable,
        onCut,
        report,
      },
      // Whoever is due was looked at: who was not found by then is nowhere.
      presenceOf(due) {
        const presence = presenceOf(due, due.device);
        return presence === "unknown" ? "none" : presence;
      },
      historyName: feed.epoch,
      ageOf: follower.ageOf,
      isInherited: ({ since }) => (since.type === "position" ? since.n <= begun.position : since.time <= begun.time),
    }),
  );

  function pause(): void {
    cancelPrune();
    follower.stop();
    for (const lane of lanes) lane.pause();
  }

  function prune(): void {
    cancelPrune = clock.after(pruneMs, prune);
    if (!lease.isHeld()) return;
    const mine = cancelPrune;
    store.prune(lease.holder(), clock.now() - limits.pushLogMs).then((isMore) => {
      if (!isMore || mine !== cancelPrune || !lease.isHeld()) return;
      cancelPrune();
      cancelPrune = clock.after(pruneAgainMs, prune);
    }, report);
  }

  /** Sizes of what is held in memory. */
  const sizes = () => ({
    ...follower.sizes(),
    requests: lanes.reduce((sum, lane) => sum + lane.sizes().requests, 0),
    unsettled: lanes.reduce((sum, lane) => sum + lane.sizes().verdicts, 0),
  });

  return {
    start: lease.start,

    /** Stops at once and writes nothing more: the history that it followed has ended. */
    abandon(): void {
      lease.abandon();
      pause();
    },

    /** Sends nothing new, keeps what has become of what was under way, and gives its place to another node. */
    async stop(deadlineMs: number): Promise<void> {
      await waitAtMost(Promise.all(lanes.map((lane) => lane.idle())), { clock, ms: deadlineMs });
      await waitAtMost(lease.stop(), { clock, ms: deadlineMs }).catch(report);
      pause();
    },

    /** Whether somebody is still to be notified, now or later. Rejects with `unavailable`. */
    async isBusy(): Promise<boolean> {
      return (
        Object.values(sizes()).some((size) => size > 0) || (await store.isWaiting(providers.map(({ name }) => name)))
      );
    },

    sizes,
  };
}

export type PushWorker = ReturnType<typeof createPushWorker>;
