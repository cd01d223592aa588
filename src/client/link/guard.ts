/** Keeps the faults of the app's own functions from stopping the link. */
export type Guard = {
  /** Runs the work, and reports its fault. */
  attempt(work: () => void): void;
  /** Reports a fault. */
  onFault(fault: unknown): void;
};

export function createGuard(report: (fault: unknown) => void): Guard {
  function onFault(fault: unknown): void {
    try {
      report(fault);
    } catch {
      // There is no other place to report it.
    }
  }

  return {
    onFault,
    attempt(work) {
      try {
        work();
      } catch (fault) {
        onFault(fault);
      }
    },
  };
}
