import { createSightSemaphore } from "./access/policy.ts";
import type { Capacity } from "./access/capacity.ts";
import type { Limiter } from "./access/limiter.ts";
import type { Reauthenticate } from "./access/reauthenticate.ts";
import type { ChatOptions } from "./chat-options.ts";
import { createOutboxBudget } from "./connection/outbox-budget.ts";
import { createHookHealth } from "./hook/hook-health.ts";
import { hooksOf } from "./hook/message-hook.ts";
import { createRevalidation } from "./hub/revalidation.ts";
import { createWatchBudget } from "./hub/watch-budget.ts";
import type { Clock } from "./internal/clock.ts";
import type { Log } from "./internal/logger.ts";
import type { Random } from "./internal/random.ts";
import type { Limits } from "./protocol/limits.ts";
import { createPushHealth } from "./push/health.ts";
import { createRequestLimit } from "./push/request-limit.ts";
import type { DatabaseContext } from "./tenant/runtime.ts";

/** The parts of a chat that exist before its databases. */
export type ChatParts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly limiter: Limiter;
  readonly capacity: Capacity;
  readonly reauthenticate: Reauthenticate;
  readonly log: Log;
};

/** What all databases of a chat share: the host's rules, and the bounds and the health of the whole process. */
export function createContext(options: ChatOptions, { log, capacity, ...parts }: ChatParts): DatabaseContext {
  const { authorize, canSee, revalidate, push: providers = [], onPush, accountsPerDevice } = options;
  const { clock, limits } = parts;
  return {
    ...{ ...parts, authorize, canSee, providers, onPush, accountsPerDevice, capacity },
    hooks: hooksOf(options.onMessage),
    budget: createOutboxBudget({ bytesMax: limits.outboxTotalBytesMax }),
    watchBudget: createWatchBudget(limits),
    sight: createSightSemaphore(),
    requestLimit: createRequestLimit({ perProviderMax: limits.pushRequestsMax }),
    health: createPushHealth({
      clock,
      onChange({ type, ...change }) {
        if (type === "failing") log.warn("a push provider refuses what it is asked: nothing was sent of late", change);
        else log.info("a push provider takes notifications again", change);
      },
    }),
    hookHealth: createHookHealth({
      clock,
      onChange({ type, ...change }) {
        if (type === "failing") log.warn("a hook of onMessage fails: it is called again until it succeeds", change);
        else log.info("a hook of onMessage succeeds again", change);
      },
    }),
    revalidation:
      revalidate &&
      createRevalidation({
        ...{ revalidate, clock, everyMs: limits.revalidateMs, answerMs: limits.hostAnswerMs },
        report: (error) => log.error("a connection failed", { error }),
      }),
  };
}
