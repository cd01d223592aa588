/**
 * Work that runs once at a time. Asked for while it runs, it runs once more afterwards, however often it was asked for. `onFault`: what it
 * rejected with.
 *
 * @example
 * const refill = createSingleFlight(work, report);
 * refill();
 */
export function createSingleFlight(work: () => Promise<void>, onFault: (fault: unknown) => void): () => void {
  let state: "idle" | "running" | "runAgain" = "idle";

  return function run(): void {
    if (state !== "idle") {
      state = "runAgain";
      return;
    }
    state = "running";
    work()
      .catch(onFault)
      .finally(() => {
        const isAskedAgain = state === "runAgain";
        state = "idle";
        if (isAskedAgain) run();
      });
  };
}
