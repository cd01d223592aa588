import type { Clock } from "../internal/clock.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Limits } from "../protocol/limits.ts";
import type { AcceptedMessage, NamedHook } from "./message-hook.ts";
import { replyIdOf } from "./reply-id.ts";

export type HookCallOptions = {
  readonly hook: NamedHook;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "hookAnswerMs">;
};

/**
 * Calls a hook about one message. Rejects with the hook's error, or after `hookAnswerMs`, and aborts the signal then. Resolves at once where `abort`
 * is aborted from outside.
 */
export type HookCall = (message: AcceptedMessage, attempt: number, abort: AbortController) => Promise<void>;

export function createHookCall({ hook, clock, limits }: HookCallOptions): HookCall {
  return async (message, attempt, abort) => {
    const { signal } = abort;
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    const replyId = (purpose = ""): Promise<string> => replyIdOf(message, { hook: hook.name, purpose });
    const called = async (): Promise<void> => hook.handle({ ...message }, { attempt, signal, replyId });
    try {
      const who = `onMessage (${hook.name})`;
      await withDeadline(Promise.race([called(), ended]), { clock, ms: limits.hookAnswerMs, who });
    } catch (error) {
      abort.abort();
      throw error;
    }
  };
}
