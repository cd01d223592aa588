/**
 * Work that runs once at a time. Calls while it runs make it run once more afterwards, however many they are. `onFault` is called with its
 * rejections.
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
