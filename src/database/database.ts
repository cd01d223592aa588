import type { Logger } from "@logtape/logtape";
import type { Budget } from "../connection/budget.ts";
import { createFeed } from "../feed/feed.ts";
import { createHints } from "../feed/hints.ts";
import type { Transport } from "../feed/transport.ts";
import { createHub, type HubEvent } from "../hub/hub.ts";
import type { Limiter } from "../hub/limiter.ts";
import { type Authorize, type CanSee, createPolicy } from "../hub/policy.ts";
import type { Revalidation } from "../hub/revalidation.ts";
import type { Room } from "../hub/room.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import { within } from "../internal/within.ts";
import { closeCode } from "../protocol/close-code.ts";
import type { Limits } from "../protocol/limits.ts";
import type { OnPush } from "../push/draft.ts";
import type { PushProvider } from "../push/provider.ts";
import type { Slots } from "../push/slots.ts";
import { createPushWorker } from "../push/worker.ts";
import type { Engine } from "../store/engine/engine.ts";
import { createStore } from "../store/libsql-store.ts";
import { applyMigrations } from "../store/migration/apply.ts";

/** What a chat gives to each of its databases: what is the host's, and what bounds the process and not a database. */
export type DatabaseContext = {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly authorize?: Authorize | undefined;
  readonly canSee?: CanSee | undefined;
  readonly providers: readonly PushProvider[];
  readonly onPush?: OnPush | undefined;
  readonly limiter: Limiter;
  readonly room: Room;
  readonly budget: Budget;
  readonly slots: Slots;
  readonly revalidation: Revalidation | undefined;
};

export type DatabaseOptions = {
  readonly engine: Engine;
  readonly url: string;
  readonly migrate?: boolean;
  /** How the nodes on this database speak to each other, where there are others. */
  readonly bus: Transport | undefined;
  readonly log: Logger;
  /** A connection has gone. */
  readonly onLeave?: () => void;
};

/** The part of a shutdown that is kept for the store's last commits. */
const storeCloseMsMax = 2_000;

/**
 * Opens a database: its schema, the store on it, and all that follows its log. The engine is closed where that fails.
 *
 * @throws ChatError `migration_refused`, `unavailable`.
 */
export async function openDatabase(options: DatabaseOptions, context: DatabaseContext) {
  const { engine, bus, log, onLeave } = options;
  const { clock, random, limits, providers, onPush, slots } = context;

  function report(event: HubEvent): void {
    const { type, ...properties } = event;
    if (event.type === "fault") log.error("a connection failed", { error: event.fault });
    else log.debug(type, properties);
    if (event.type === "disconnected") onLeave?.();
  }

  try {
    await applyMigrations(engine, options);
    const store = createStore({
      engine,
      clock,
      random,
      limits,
      onFault: (error) => log.error("the store failed", { error }),
    });
    const feed = createFeed({
      store,
      clock,
      limits,
      hints: bus && createHints(bus, { charsMax: limits.hintCharsMax, clock }),
      jitter: () => random.integer() / 2 ** 52 - 0.5,
      onNewEpoch() {
        hub.disconnectAll(closeCode.restart, "new epoch");
        worker?.restart();
      },
    });
    await feed.start();
    const policy = createPolicy({
      ...{ authorize: context.authorize, canSee: context.canSee, store, clock, answerMs: limits.hostAnswerMs },
      report: (error) => log.error("a rule of the host failed", { error }),
    });
    const { limiter, room, budget, revalidation } = context;
    const hub = createHub({
      ...{ store, feed, clock, limits, policy, limiter, room, budget, revalidation, report },
      ...{ transport: bus, node: random.messageId(clock.now()) },
    });
    const worker =
      providers.length === 0
        ? null
        : createPushWorker({
            ...{ store, feed, clock, random, limits, providers, onPush, slots },
            presenceOf(identity, device) {
              const silentMs = hub.silentMs(identity, device);
              if (silentMs === "unknown") return silentMs;
              return silentMs === null ? "none" : silentMs < limits.pushIdleAfterMs ? "active" : "idle";
            },
            isAlone: engine.isExclusive === true,
            report: (error) => log.warn("a push failed", { error }),
          });
    worker?.start();
    let resolveReleased = (): void => {};
    const released = new Promise<void>((resolve) => (resolveReleased = resolve));

    return {
      store,
      hub,
      /** What the routes use of it. */
      parts: { store, policy, push: { providers } },

      /** Whether somebody is still to be notified, now or later. Rejects with `unavailable`. */
      isPushing: async (): Promise<boolean> => (await worker?.isBusy()) ?? false,

      /**
       * Answers the sends under way, closes the sockets with 1012 in waves, commits what waits and releases the database. Resolves within
       * the time; a store that hangs goes on closing.
       */
      async close(deadlineMs: number): Promise<void> {
        const storeMs = Math.min(storeCloseMsMax, deadlineMs / 4);
        const openMs = deadlineMs - storeMs;
        await worker?.stop(openMs / 4);
        feed.stop();
        await hub.stop((openMs * 3) / 4);
        const closing = store.close().finally(resolveReleased);
        // A store that hangs must not keep the process.
        await within(clock, storeMs, closing);
      },

      /** Resolves once nothing of it is open any more, after `close()`. */
      released,

      counts: feed.counts,

      /** Sizes of what is held in memory: 0 once everybody has left. */
      sizes: () => ({ ...hub.sizes(), ...worker?.sizes() }),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

export type Database = Awaited<ReturnType<typeof openDatabase>>;
