import type { Clock } from "../internal/clock.ts";

type Activity =
  | { readonly type: "working" }
  | { readonly type: "calling"; readonly abort: AbortController }
  | { readonly type: "pausing"; readonly wantsNews: boolean; readonly wake: () => void };

const working: Activity = { type: "working" };

/** One period in which a follower holds the lease of its hook. */
export function createHookRun(clock: Clock, position: number) {
  let phase: "running" | "ending" | "ended" = "running";
  let activity: Activity = working;

  const wake = (): void => {
    if (activity.type === "pausing") activity.wake();
  };

  return {
    /** Everything up to here was handled. */
    position,
    /** The last message that was handled, and the position that the database knows, written at `keptAt`. */
    ...{ handled: position, kept: position, keptAt: -Infinity },
    /** Whether a further call may begin. */
    goesOn: (): boolean => phase === "running",
    isEnded: (): boolean => phase === "ended",
    /** Waits; `wantsNews`: until the log has a new entry, at most. Returns at once, or is woken, where the run does not go on. */
    async pause(ms: number, { wantsNews = false } = {}): Promise<void> {
      if (phase !== "running") return;
      await new Promise<void>((resolve) => {
        const cancel = ms === Infinity ? () => {} : clock.after(ms, wake);
        activity = {
          ...{ type: "pausing", wantsNews },
          wake() {
            cancel();
            activity = working;
            resolve();
          },
        };
      });
    },
    /** The log has a new entry. */
    noteNews(): void {
      if (activity.type === "pausing" && activity.wantsNews) activity.wake();
    },
    /** Runs a call that `end` may abort. */
    async during(call: (abort: AbortController) => Promise<void>): Promise<void> {
      const abort = new AbortController();
      activity = { type: "calling", abort };
      try {
        await call(abort);
      } finally {
        activity = working;
      }
    },
    /** No further call begins; the one under way goes on. */
    beginEnd(): void {
      if (phase === "running") phase = "ending";
      wake();
    },
    /** Ends at once: a call that is under way is aborted, and its result does not matter. */
    end(): void {
      phase = "ended";
      if (activity.type === "calling") activity.abort.abort();
      wake();
    },
  };
}

export type HookRun = ReturnType<typeof createHookRun>;
