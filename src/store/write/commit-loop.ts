import type { Clock } from "../../internal/clock.ts";

export type CommitLoopOptions = {
  readonly clock: Pick<Clock, "defer">;
  readonly hasWork: () => boolean;
  readonly commit: () => Promise<void>;
  readonly onFault: (fault: unknown) => void;
  /** After a commit, once its answers are out: nothing waits. */
  readonly onIdle?: (() => void) | undefined;
};

/** Runs one commit after the other for as long as there is work, each in a later turn of the event loop than it was asked for. */
export function createCommitLoop({ clock, hasWork, commit, onFault, onIdle }: CommitLoopOptions) {
  let isScheduled = false;
  let current: Promise<void> = Promise.resolve();

  function schedule(): void {
    if (isScheduled || !hasWork()) return;
    isScheduled = true;
    clock.defer(() => {
      current = commit()
        .catch(onFault)
        .finally(() => {
          isScheduled = false;
          schedule();
          if (onIdle && !isScheduled) clock.defer(() => isScheduled || onIdle());
        });
    });
  }

  return {
    /** Starts a commit, unless one is scheduled already or there is no work. */
    schedule,
    /** Whether a commit is scheduled or under way. */
    isScheduled: (): boolean => isScheduled,
    /** Resolves once no commit is under way. */
    settled: (): Promise<void> => current,
    /** Resolves after the next turn of the event loop, and after the commit that began in it. */
    async turn(): Promise<void> {
      await new Promise<void>((resolve) => clock.defer(resolve));
      await current;
    },
  };
}
