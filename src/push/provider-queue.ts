import { backoffMs } from "../internal/backoff.ts";
import { createBreaker } from "../internal/breaker.ts";
import { chance, type Random } from "../internal/random.ts";
import { createSingleFlight } from "../internal/single-flight.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Due, DueStore, Verdict } from "../store/push/due-store.ts";
import { type DeliveryOptions, createDelivery } from "./delivery.ts";
import type { PushHealth } from "./health.ts";
import type { Lease } from "../feed/lease.ts";
import type { RequestLimit } from "./request-limit.ts";

export type ProviderQueueOptions = Omit<DeliveryOptions, "retryAt" | "onResult" | "limits"> & {
  readonly store: Pick<DueStore, "due" | "badges" | "settle">;
  readonly lease: Pick<Lease, "holder" | "isHeld" | "lose">;
  readonly random: Pick<Random, "integer">;
  readonly slots: RequestLimit;
  readonly health: PushHealth;
  /** The provider has thrown. */
  readonly reportProvider: (fault: unknown) => void;
  /** Whether the store answers: while it is away one probe asks for it, and nobody else. */
  readonly isAvailable: () => boolean;
  readonly limits: Limits;
};

/** A provider that fails half of the time has 32 failures in a row once in 4 000 000 000 requests. */
export const patience = { failuresMax: 32, openMsMin: 1_000, openMsMax: 60_000 };

/** What has become of something, and who had the place when it was read: what another one has written since is not overwritten. */
type Settled = { readonly holder: string; readonly verdict: Verdict };

/** What has become of requests gathers for so long: then it is kept, in one commit. */
const settleMs = 20;
/** What is due later, or was made due by nobody here, is found by looking. */
const lookMs = 1_000;

/**
 * One provider's own way: so many requests at a time, its own breaker, its own place in the store where what waits for it stands. Nothing
 * that it does, or does not do, is felt by another one.
 */
export function createProviderQueue(options: ProviderQueueOptions) {
  const { provider, store, lease, clock, random, slots, health, limits, isAvailable, report } = options;
  const breaker = createBreaker({ clock, random, ...patience });
  const courier = createDelivery({
    ...options,
    retryAt,
    report: options.reportProvider,
    onResult(result, notice) {
      health.note(provider.name, notice, result);
      if (result.type === "retry") breaker.failed(result.afterMs);
      else breaker.answered();
    },
  });
  /** Under way, or not yet kept: by address and conversation, of which there is one at a time. */
  const busy = new Set<string>();
  let requests = 0;
  let verdicts: Settled[] = [];
  let settling: "no" | "soon" | "now" = "no";
  let isRunning = false;
  let cancelLook = (): void => {};
  let whenIdle: (() => void) | null = null;
  const pump = createSingleFlight(fill, report);

  const nameOf = ({ address, conversation }: Due): string => `${address} ${conversation}`;

  /** Exponential, with jitter; not before the provider wants it. */
  function retryAt(attempts: number, afterMs: number): number {
    const jittered = backoffMs(random, { attempt: attempts, minMs: limits.pushRetryMs, maxMs: limits.pushRetryMsMax });
    // Those whom the provider told the same time do not all come at it.
    const asked = Math.min(afterMs, limits.pushExpiryMs) * (1 + chance(random) / 10);
    return Math.ceil(clock.now() + Math.max(jittered, asked));
  }

  const room = (): number => Math.min(breaker.allows(limits.pushRequestsMax) - requests, slots.free(provider.name));

  /** Takes up what is due, as far as there is room. */
  async function fill(): Promise<void> {
    if (!isRunning || !lease.isHeld() || !isAvailable() || room() <= 0) return;
    const holder = lease.holder();
    // The answer may be from before the commit that has ended what was busy: it shows that as still due.
    const before = new Set(busy);
    const found = await store.due(provider.name, clock.now(), limits.pushRequestsMax + busy.size);
    const waiting = found.filter((due) => !before.has(nameOf(due)) && !busy.has(nameOf(due)));
    const taken = waiting.slice(0, Math.max(0, room()));
    const sending = taken.filter(courier.isSending);
    const badges = sending.length === 0 ? [] : await store.badges(sending, clock.now());
    if (!isRunning || !lease.isHeld() || holder !== lease.holder()) return;
    const badgeOf = new Map(sending.map((due, i) => [due, badges[i] ?? 0]));
    for (const due of taken) carry(due, badgeOf.get(due) ?? 0);
  }

  function carry(due: Due, badge: number): void {
    const holder = lease.holder();
    busy.add(nameOf(due));
    requests++;
    slots.take(provider.name);
    courier
      .deliver(due, badge)
      .then(
        (verdict) => verdicts.push({ holder, verdict }),
        (fault: unknown) => {
          report(fault);
          busy.delete(nameOf(due));
        },
      )
      .finally(() => {
        requests--;
        slots.give(provider.name);
        settleSoon();
      });
  }

  function settleSoon(): void {
    if (settling !== "no") return;
    if (verdicts.length >= limits.pushRequestsMax || requests === 0) return void settle();
    settling = "soon";
    clock.after(settleMs, () => void settle());
  }

  async function settle(): Promise<void> {
    settling = "now";
    const part = verdicts;
    verdicts = [];
    let isKept = false;
    try {
      const holder = lease.holder();
      const own = part.filter((each) => each.holder === holder).map(({ verdict }) => verdict);
      const isOurs = own.length === 0 || (await store.settle(holder, own, clock.now()));
      if (!isOurs && holder === lease.holder()) lease.lose();
      for (const { verdict } of part) busy.delete(nameOf(verdict.due));
      isKept = true;
    } catch (fault) {
      // Whether it was kept is not known: it is kept again, and until then nothing of it is sent again.
      report(fault);
      verdicts = [...part, ...verdicts];
      clock.after(lookMs, () => settleSoon());
    }
    settling = "no";
    // What has come to an end meanwhile.
    if (isKept && verdicts.length > 0) settleSoon();
    if (requests === 0 && verdicts.length === 0) whenIdle?.();
    pump();
  }

  function look(): void {
    pump();
    if (isRunning) cancelLook = clock.after(lookMs, look);
  }

  /** Sends nothing new. */
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
    pause,
    pump,
    /** Sends nothing new, and resolves once what is under way is kept. */
    idle(): Promise<void> {
      pause();
      if (requests === 0 && verdicts.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        whenIdle = resolve;
        settleSoon();
      });
    },
    /** Sizes of what is held. */
    sizes: () => ({ busy: busy.size, requests, verdicts: verdicts.length }),
  };
}

export type ProviderQueue = ReturnType<typeof createProviderQueue>;
