import type { Clock } from "../internal/clock.ts";

/** One period in which a follower holds the lease of its hook. */
export type HookRun = {
  /** Everything up to here was handled. */
  position: number;
  /** The last message that was handled, and the position that the database knows, written at `keptAt`. */
  handled: number;
  kept: number;
  keptAt: number;
  /** Whether a further call may begin. */
  goesOn(): boolean;
  isEnded(): boolean;
  /** Waits; `wantsNews`: until the log has a new entry, at most. Returns at once, or is woken, where the run does not go on. */
  pause(ms: number, options?: { readonly wantsNews: boolean }): Promise<void>;
  /** The log has a new entry. */
  noteNews(): void;
  /** Runs a call that `end` may abort. */
  during(call: (abort: AbortController) => Promise<void>): Promise<void>;
  /** No further call begins; the one under way goes on. */
  beginEnd(): void;
  /** Ends at once: a call that is under way is aborted, and its result does not matter. */
  end(): void;
};

type Activity =
  | { readonly type: "working" }
  | { readonly type: "calling"; readonly abort: AbortController }
  | { readonly type: "pausing"; readonly wantsNews: boolean; readonly wake: () => void };

const working: Activity = { type: "working" };

export function createHookRun(clock: Clock, position: number): HookRun {
  let phase: "running" | "ending" | "ended" = "running";
  let activity: Activity = working;

  const wake = (): void => {
    if (activity.type === "pausing") activity.wake();
  };

  return {
    ...{ position, handled: position, kept: position, keptAt: -Infinity },
    goesOn: () => phase === "running",
    isEnded: () => phase === "ended",
    async pause(ms, { wantsNews } = { wantsNews: false }) {
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
    noteNews() {
      if (activity.type === "pausing" && activity.wantsNews) activity.wake();
    },
    async during(call) {
      const abort = new AbortController();
      activity = { type: "calling", abort };
      try {
        await call(abort);
      } finally {
        activity = working;
      }
    },
    beginEnd() {
      if (phase === "running") phase = "ending";
      wake();
    },
    end() {
      phase = "ended";
      if (activity.type === "calling") activity.abort.abort();
      wake();
    },
  };
}
