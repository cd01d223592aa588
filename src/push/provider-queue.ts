import type { Lease } from "../feed/lease.ts";
import { backoffMs } from "../internal/backoff.ts";
import { createBreaker } from "../internal/breaker.ts";
import { chance, type Random } from "../internal/random.ts";
import { createSingleFlight } from "../internal/single-flight.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Due, DueStore } from "../store/push/due-store.ts";
import { createDelivery, type DeliveryOptions } from "./delivery.ts";
import type { PushHealth } from "./health.ts";
import type { RequestLimit } from "./request-limit.ts";
import { createSettlement } from "./settlement.ts";

export type ProviderQueueOptions = Omit<DeliveryOptions, "retryAt" | "onResult" | "limits"> & {
  readonly store: Pick<DueStore, "due" | "badges" | "settle">;
  readonly lease: Pick<Lease, "holder" | "isHeld" | "lose">;
  readonly random: Pick<Random, "integer">;
  readonly requestLimit: RequestLimit;
  readonly health: PushHealth;
  /** The provider has thrown. */
  readonly reportProvider: (fault: unknown) => void;
  /** Whether the store answers: while it is away, one probe of its own asks for it. */
  readonly isAvailable: () => boolean;
  readonly limits: Limits;
};

/** A provider that fails half of the time has 32 failures in a row once in 4 000 000 000 requests. */
export const breakerOptions = { failuresMax: 32, openMsMin: 1_000, openMsMax: 60_000 };

/** How often the store is asked for notices that are due by time, or that another process made due. */
const lookMs = 1_000;

/** Identifies a notice: there is one for each address and conversation. */
const noticeKey = ({ address, conversation }: Due): string => `${address} ${conversation}`;

/**
 * One provider's queue: its own concurrency limit, circuit breaker and backlog in the store. A slow provider does not delay another.
 */
export function createProviderQueue(options: ProviderQueueOptions) {
  const { provider, store, lease, clock, random, requestLimit, health, limits, isAvailable, report } = options;
  const breaker = createBreaker({ clock, random, ...breakerOptions });
  const delivery = createDelivery({
    ...options,
    retryAt,
    report: options.reportProvider,
    onResult(result, notice) {
      health.note(provider.name, notice, result);
      if (result.type === "retry") breaker.failed(result.afterMs);
      else breaker.answered();
    },
  });
  /** The keys of notices with a request under way, or with a verdict that is not kept yet. */
  const busy = new Set<string>();
  let requests = 0;
  let isRunning = false;
  let cancelLook = (): void => {};
  let onIdle: (() => void) | null = null;
  const pump = createSingleFlight(fill, report);
  const settlement = createSettlement({
    ...{ store, lease, clock, report, verdictsMax: limits.pushRequestsMax },
    isLast: () => requests === 0,
    onKept(kept) {
      for (const due of kept) busy.delete(noticeKey(due));
      if (isIdle()) onIdle?.();
      pump();
    },
  });

  const isIdle = (): boolean => requests === 0 && settlement.isIdle();

  /** Exponential, with jitter; not before the provider wants it. */
  function retryAt(attempts: number, afterMs: number): number {
    const jittered = backoffMs(random, { attempt: attempts, minMs: limits.pushRetryMs, maxMs: limits.pushRetryMsMax });
    // Spreads the retries for which the provider named the same time.
    const asked = Math.min(afterMs, limits.pushExpiryMs) * (1 + chance(random) / 10);
    return Math.ceil(clock.now() + Math.max(jittered, asked));
  }

  /** How many further requests may begin. */
  const free = (): number =>
    Math.min(breaker.allows(limits.pushRequestsMax) - requests, requestLimit.free(provider.name));

  /** Begins requests for due notices, as far as the limits allow. */
  async function fill(): Promise<void> {
    if (!isRunning || !lease.isHeld() || !isAvailable() || free() <= 0) return;
    const holder = lease.holder();
    // The read may be older than the commit that has ended a busy notice, and show it as still due.
    const before = new Set(busy);
    const found = await store.due(provider.name, clock.now(), limits.pushRequestsMax + busy.size);
    const waiting = found.filter((due) => !before.has(noticeKey(due)) && !busy.has(noticeKey(due)));
    const taken = waiting.slice(0, Math.max(0, free()));
    const sending = taken.filter(delivery.isSending);
    const badges = sending.length === 0 ? [] : await store.badges(sending, clock.now());
    if (!isRunning || !lease.isHeld() || holder !== lease.holder()) return;
    const badgeOf = new Map(sending.map((due, i) => [due, badges[i] ?? 0]));
    for (const due of taken) begin(due, badgeOf.get(due) ?? 0);
  }

  function begin(due: Due, badge: number): void {
    const holder = lease.holder();
    busy.add(noticeKey(due));
    requests++;
    requestLimit.take(provider.name);
    delivery
      .deliver(due, badge)
      .then(
        (verdict) => settlement.add(holder, verdict),
        (fault: unknown) => {
          report(fault);
          busy.delete(noticeKey(due));
        },
      )
      .finally(() => {
        requests--;
        requestLimit.give(provider.name);
        settlement.schedule();
      });
  }

  function look(): void {
    pump();
    if (isRunning) cancelLook = clock.after(lookMs, look);
  }

  function pause(): void {
    isRunning = false;
    cancelLook();
  }

  return {
    start(): void {
      if (isRunning) return;
      isRunning = true;
      look();
    },
    /** Begins no further request. */
    pause,
    /** Looks for due notices now. */
    pump,
    /** Begins no further request, and resolves once the verdicts of those under way are kept. */
    idle(): Promise<void> {
      pause();
      if (isIdle()) return Promise.resolve();
      return new Promise((resolve) => {
        onIdle = resolve;
        settlement.schedule();
      });
    },
    /** How many of each are in memory. */
    sizes: () => ({ requests, verdicts: settlement.size() }),
  };
}
