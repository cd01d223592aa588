import { deferred } from "../../internal/deferred.ts";

/** Runs calls one after the other. */
export interface CallOrder {
  /** Whether a call has begun that waits for something, or waits for its turn. */
  isBusy(): boolean;
  /** Runs a call: at once if no other one is under way, and otherwise after all that were made before. */
  run<T>(call: () => T | Promise<T>): Promise<T>;
}

/** Calls that share something that only one of them may use at a time, in the order in which they are made. Each may fail without an effect on the others. */
export function createCallOrder(): CallOrder {
  /** The call that was made last, if it has not ended; it never rejects. */
  let last: Promise<void> | null = null;

  return {
    isBusy: () => last !== null,
    async run(call) {
      const before = last;
      const { promise: ended, resolve: end } = deferred<void>();
      last = ended;
      try {
        if (before !== null) await before;
        const result = call();
        return result instanceof Promise ? await result : result;
      } finally {
        if (last === ended) last = null;
        end(undefined);
      }
    },
  };
}
