/** A thread is used from this mean on. */
const slowMs = 2;
/** Commits hold up the event loop again below this mean; between the two, everything stays as it is. */
const fastMs = 1;
/** The share of the newest commit in the mean: about eight count. */
const newest = 1 / 8;
/** Statements that take this long change many pages, which a commit may have to move into the file. */
const largeMs = 1;

export interface DiskPace {
  /**
   * Whether the next commit runs on a thread. `statementsMs`: how long the statements before it have taken. `isLogLong`: it is likely to move the log into
   * the file.
   */
  isAside(commit: { readonly statementsMs: number; readonly isLogLong: boolean }): boolean;
  /** A commit has ended, wherever it ran, and has taken this long. */
  took(ms: number): void;
}

/**
 * Decides where commits run. On a thread, the event loop goes on while the disk works, but a message alone in its commit pays some 90 µs of processor time
 * for it. So commits run in place while the last ones were short, except for large ones.
 */
export function createDiskPace(): DiskPace {
  let meanMs = 0;
  let isSlow = false;

  return {
    isAside: ({ statementsMs, isLogLong }) => isSlow || isLogLong || statementsMs >= largeMs,
    took(ms) {
      meanMs += (ms - meanMs) * newest;
      isSlow = meanMs >= (isSlow ? fastMs : slowMs);
    },
  };
}
