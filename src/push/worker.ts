import type { Feed } from "../feed/feed.ts";
import { createLease } from "../feed/lease.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import { createSparing } from "../internal/sparing.ts";
import { waitAtMost } from "../internal/deadline.ts";
import type { Identity } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Due } from "../store/push/due-store.ts";
import type { Store } from "../store/store.ts";
import { presenceAfter, type PushDelays, type PushPresence } from "./decide.ts";
import type { PushHealth } from "./health.ts";
import { createPreview, type OnPush } from "./preview.ts";
import { createProviderQueue } from "./provider-queue.ts";
import type { PushProvider } from "./provider.ts";
import type { RequestLimit } from "./request-limit.ts";
import type { PushCut } from "./request.ts";
import { createUnacked } from "./unacked.ts";

export type PushWorkerOptions = {
  readonly store: Pick<Store, "push" | "isAvailable">;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly providers: readonly PushProvider[];
  readonly onPush?: OnPush | undefined;
  /** Concurrent requests to each provider, shared by the workers of the process. */
  readonly requestLimit: RequestLimit;
  /** Whether the providers work, shared by the workers of the process. */
  readonly health: PushHealth;
  /** For how many milliseconds a user was idle on a device, or on any if it is empty; null: no connection. "unknown": another node was asked. */
  readonly idleMsOf: (identity: Identity, device: string) => number | null | "unknown";
  /** No other process can have the database open. */
  readonly isExclusive: boolean;
  /** A provider did not take the whole content of a notice; called once for each provider and way of cutting. */
  readonly onCut?: ((cut: PushCut) => void) | undefined;
  /** `leftOut`: the number of faults of this kind that were not reported since the one before. */
  readonly report: (fault: unknown, leftOut?: number) => void;
};

/** Notifies the devices that have not acked in time. Of several nodes on one database, one does it at a time. */
export type PushWorker = {
  start(): void;
  /** Stops at once and writes nothing more: the history that it followed has ended. */
  abandon(): void;
  /** Begins no further request, keeps the verdicts of those under way, and gives its lease to another node. */
  stop(deadlineMs: number): Promise<void>;
  /** Whether a device must still be notified, now or later. Rejects with `unavailable`. */
  isBusy(): Promise<boolean>;
  /** How many of each are in memory. */
  sizes(): Readonly<Record<"recipients" | "readers" | "blockers" | "requests" | "unsettled", number>>;
};

/** The host's rule, a provider or the store may throw at each message: reported at most once in this time. */
const faultEveryMs = 60_000;
const pruneMs = 60_000;
/** While there is more to prune than is pruned at once. */
const pruneAgainMs = 200;

export function createPushWorker(options: PushWorkerOptions): PushWorker {
  const { feed, clock, random, limits, providers, onPush, idleMsOf, isExclusive, onCut, requestLimit, health } =
    options;
  const sparing = () => createSparing({ clock, everyMs: faultEveryMs, report: options.report });
  const report = sparing();
  const { push: store, isAvailable } = options.store;
  const delays: PushDelays = {
    activeMs: limits.pushActiveDelayMs,
    idleMs: limits.pushIdleDelayMs,
    expiryMs: limits.pushExpiryMs,
  };
  const presenceOf = (identity: Identity, device: string): PushPresence | "unknown" => {
    const idleMs = idleMsOf(identity, device);
    return idleMs === "unknown" ? idleMs : presenceAfter(idleMs, limits.pushIdleAfterMs);
  };
  let cancelPrune = (): void => {};
  let endNeed = (): void => {};
  /** When the lease was taken. */
  let begun = { position: 0, time: 0 };

  const unacked = createUnacked({
    ...{ store, feed, clock, limits, delays, presenceOf, isAvailable, report },
    holder: () => lease.holder(),
    providers: new Set(providers.map(({ name }) => name)),
    userProviders: providers.filter(({ reach }) => reach === "user").map(({ name }) => name),
    onDue() {
      for (const queue of queues) queue.pump();
    },
  });
  const lease = createLease({
    ...{ store, clock, isAlone: isExclusive, report, leaseMs: limits.pushLeaseMs },
    newName: () => random.messageId(clock.now()),
    position: unacked.position,
    onTaken(n) {
      endNeed();
      // Before the position is taken: no later entry of any user is left out.
      endNeed = feed.needAll();
      begun = { position: feed.position(), time: clock.now() };
      unacked.start(n);
      for (const queue of queues) queue.start();
      prune();
    },
    onLost: pause,
  });
  const previewOf = createPreview({ onPush, clock, answerMs: limits.hostAnswerMs, report: sparing() });
  const queues = providers.map((provider) =>
    createProviderQueue({
      ...{ provider, store, lease, clock, random, requestLimit, health, limits, delays, previewOf, isAvailable, onCut },
      ...{ report, reportProvider: sparing() },
      // Other nodes were asked before the notice became due: a user that none of them found is not connected.
      presenceOf(due: Due) {
        const presence = presenceOf(due, due.device);
        return presence === "unknown" ? "none" : presence;
      },
      historyName: feed.epoch,
      ageOf: unacked.ageOf,
      isInherited: ({ since }: Due) =>
        since.type === "position" ? since.n <= begun.position : since.time <= begun.time,
    }),
  );

  function pause(): void {
    cancelPrune();
    unacked.stop();
    endNeed();
    for (const queue of queues) queue.pause();
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

  const sizes = () => ({
    ...unacked.sizes(),
    requests: queues.reduce((sum, queue) => sum + queue.sizes().requests, 0),
    unsettled: queues.reduce((sum, queue) => sum + queue.sizes().verdicts, 0),
  });

  return {
    start: lease.start,
    abandon() {
      lease.abandon();
      pause();
    },
    async stop(deadlineMs) {
      await waitAtMost(Promise.all(queues.map((queue) => queue.idle())), { clock, ms: deadlineMs });
      await waitAtMost(lease.stop(), { clock, ms: deadlineMs }).catch(report);
      pause();
    },
    async isBusy() {
      if (Object.values(sizes()).some((size) => size > 0)) return true;
      return await store.isWaiting(providers.map(({ name }) => name));
    },
    sizes,
  };
}
