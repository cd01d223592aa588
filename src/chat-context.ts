import { createSightSemaphore } from "./access/policy.ts";
import type { Reauthenticate } from "./access/authenticate.ts";
import type { ChatOptions } from "./chat-options.ts";
import { createOutboxBudget } from "./connection/outbox-budget.ts";
import { createHookHealth } from "./hook/hook-health.ts";
import { hooksOf } from "./hook/message-hook.ts";
import { createRevalidation } from "./hub/revalidation.ts";
import { createWatchBudget } from "./hub/watch-budget.ts";
import type { Log } from "./internal/logger.ts";
import { createPushHealth } from "./push/health.ts";
import { createRequestLimit } from "./push/request-limit.ts";
import type { DatabaseContext } from "./tenant/runtime.ts";

/** The parts of a chat that exist before its databases. */
export type ChatParts = Pick<DatabaseContext, "clock" | "random" | "limits" | "limiter" | "capacity"> & {
  readonly reauthenticate: Reauthenticate;
  readonly log: Log;
};

/** What all databases of a chat share: the host's rules, and the bounds and the health of the whole process. */
export function createContext(options: ChatOptions, { log, ...parts }: ChatParts): DatabaseContext {
  const { authorize, canSee, revalidate, push: providers = [], onPush, accountsPerDevice } = options;
  const { clock, limits } = parts;
  const logHealth = (failing: string, well: string) => ({
    clock,
    onChange({ type, ...change }: { readonly type: "failing" | "well" }): void {
      if (type === "failing") log.warn(failing, change);
      else log.info(well, change);
    },
  });
  return {
    ...{ ...parts, authorize, canSee, providers, onPush, accountsPerDevice },
    hooks: hooksOf(options.onMessage),
    budget: createOutboxBudget({ bytesMax: limits.outboxTotalBytesMax }),
    watchBudget: createWatchBudget(limits),
    sight: createSightSemaphore(),
    requestLimit: createRequestLimit({ perProviderMax: limits.pushRequestsMax }),
    health: createPushHealth(
      logHealth(
        "a push provider refuses what it is asked: nothing was sent of late",
        "a push provider takes notifications again",
      ),
    ),
    hookHealth: createHookHealth(
      logHealth(
        "a hook of onMessage fails: it is called again until it succeeds",
        "a hook of onMessage succeeds again",
      ),
    ),
    revalidation:
      revalidate &&
      createRevalidation({
        ...{ revalidate, clock, everyMs: limits.revalidateMs, answerMs: limits.hostAnswerMs },
        report: (error) => log.error("a connection failed", { error }),
      }),
  };
}
