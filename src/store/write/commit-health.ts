import type { Clock } from "../../internal/clock.ts";
import { isDamage } from "../engine/failure.ts";

/** Whether the database takes commits. */
type State =
  | { readonly type: "available" }
  /** A commit failed. Everything is refused until a probe succeeds, so that an outage costs one attempt at a time. */
  | { readonly type: "away"; readonly isProbeDue: boolean; readonly nextDelayMs: number }
  /** It never does again: it is damaged, and a commit that succeeds does not prove the rest; or its history has ended. */
  | { readonly type: "over" };

/** The first probe after a failure comes soon: most failures are over at once. */
const probeDelayMsMin = 20;

export type CommitHealthOptions = {
  readonly clock: Pick<Clock, "after">;
  /** The longest time between two probes. */
  readonly probeMsMax: number;
  /** The next commit is to be a probe, also where nothing waits. */
  readonly onProbe: () => void;
};

/** Whether commits succeed, and whether the writer is still open. */
export function createCommitHealth({ clock, probeMsMax, onProbe }: CommitHealthOptions) {
  let state: State = { type: "available" };
  let isClosed = false;
  const isAvailable = (): boolean => state.type === "available";

  function startProbe(): void {
    if (state.type !== "away" || isClosed) return;
    state = { ...state, isProbeDue: true };
    onProbe();
  }

  return {
    isAvailable,
    /** Whether sends and calls are taken. */
    isOpen: (): boolean => !isClosed && isAvailable(),
    isClosed: (): boolean => isClosed,
    isOver: (): boolean => state.type === "over",
    isProbeDue: (): boolean => state.type === "away" && state.isProbeDue,
    succeeded(): void {
      if (state.type !== "over") state = { type: "available" };
    },
    /** A commit failed: a probe follows, unless the database is damaged. */
    failed(cause: unknown): void {
      if (state.type === "over") return;
      const delayMs = state.type === "away" ? state.nextDelayMs : probeDelayMsMin;
      const nextDelayMs = Math.min(2 * delayMs, probeMsMax);
      state = isDamage(cause) ? { type: "over" } : { type: "away", isProbeDue: false, nextDelayMs };
      if (state.type === "away" && !isClosed) clock.after(delayMs, startProbe);
    },
    /** There are no commits any more. */
    end(): void {
      state = { type: "over" };
    },
    /** Nothing more is taken, and no probe begins. */
    close(): void {
      isClosed = true;
    },
  };
}

export type CommitHealth = ReturnType<typeof createCommitHealth>;
